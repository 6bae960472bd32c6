package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// DeepResolver checks everything that a manifest refers to. It continues where [Client.Resolve] ends, and follows a node's pull
// up to the content of the layers.
//
// A node that reads an index continues with the manifests for its platform. DeepResolver does not select them: each is a lookup
// of its own.
type DeepResolver struct{ client *Client }

// NewDeepResolver returns a DeepResolver that shares connections and tokens with the client.
func NewDeepResolver(c *Client) *DeepResolver { return &DeepResolver{client: c} }

// Resolve returns the verdict on manifest, configuration and layers with one credential. The reference must have the digest of a
// single manifest. The verdict names the platform of the configuration.
func (d *DeepResolver) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	list, v := d.client.sessions(ref, normalize(cred))
	if list != nil {
		v = list.resolveDeep(ctx)
	}
	return withSource(v, cred)
}

// resolveDeep reads the manifest, then checks its blobs. It does not follow an index within an index, as a node does, because
// no such image is known.
func (ss sessions) resolveDeep(ctx context.Context) imagepull.Verdict {
	if len(ss) == 0 {
		return noHost()
	}
	wanted := ss[0].ref.Digest
	s, resp, failed := ss.get(ctx, missing("the registry has lost the manifest"), request{
		method: http.MethodGet, object: wanted, accept: acceptManifests,
	})
	if failed.Reason != "" {
		return failed
	}
	if !matchesDigest(wanted, resp.body) {
		return s.endpoint.prefixHost(mismatched())
	}
	m, err := manifest.Parse(resp.body)
	switch {
	case errors.Is(err, manifest.ErrIsIndex):
		return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: wanted}
	case err != nil:
		return manifest.Unsupported("the manifest cannot be decoded")
	}
	return ss.checkContent(ctx, m, wanted)
}

// checkContent returns the verdict on the blobs of a manifest. A node fetches and unpacks in parallel, and any failure ends the
// pull. One certain failure therefore outweighs all Indeterminate ones.
func (ss sessions) checkContent(ctx context.Context, m manifest.Manifest, digest string) imagepull.Verdict {
	blobs := m.RequiredBlobs()
	if v := manifest.Validate(blobs); v.Reason != "" {
		return v
	}
	config, blobs, failed := ss.readConfig(ctx, m, blobs)
	if failed.Reason != "" {
		return failed
	}
	if v := manifest.MostSevere(m.CheckUnpack(config), ss.checkBlobs(ctx, blobs)); v.Reason != "" {
		return v
	}
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: digest, Warnings: m.Warnings()}
	if p, ok := config.Platform(); ok {
		v.Platforms = []imagepull.Platform{p}
	}
	return v
}
