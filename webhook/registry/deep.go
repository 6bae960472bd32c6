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
// of its own. That holds for an index within an index too.
type DeepResolver struct{ client *Client }

// NewDeepResolver returns a DeepResolver that shares connections and tokens with the client.
func NewDeepResolver(c *Client) *DeepResolver { return &DeepResolver{client: c} }

// Resolve returns the verdict on manifest, configuration and layers with one credential. The reference must have the digest of a
// manifest. The verdict names the platform of the configuration. The verdict on an index lists its manifests. A failure has the digest if
// the manifest was read.
func (d *DeepResolver) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	list, v := d.client.sessions(ref, normalize(cred))
	if list != nil {
		v = list.resolveDeep(ctx)
	}
	return withSource(v, cred)
}

// resolveDeep reads the manifest, then checks its blobs.
func (ss sessions) resolveDeep(ctx context.Context) imagepull.Verdict {
	if len(ss) == 0 {
		return noHost()
	}
	wanted := ss[0].ref.Digest
	s, resp, failed := ss.get(ctx, lostManifest(), request{
		method: http.MethodGet, object: wanted, accept: acceptManifests, decode: decodeByContent,
	})
	if failed.Reason != "" {
		return failed
	}
	if !resp.content.matches(wanted) {
		return s.endpoint.prefixHost(mismatched())
	}
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: wanted, Size: resp.size()}
	switch d := resp.content.document; {
	case d.isIndex:
		return s.client.runtime.withIndex(v, resp.content)
	case errors.Is(d.err, manifest.ErrTooLarge):
		return manifest.Unread("the manifest")
	case d.err != nil:
		return manifest.Unsupported("the manifest cannot be decoded")
	default:
		checked := ss.checkContent(ctx, d.manifest, v)
		checked.Digest = wanted
		return checked
	}
}

// checkContent returns the verdict on the blobs of a manifest, or v with its platform and warnings. A node fetches and unpacks in
// parallel, and any failure ends the pull. One certain failure therefore outweighs all Indeterminate ones.
func (ss sessions) checkContent(ctx context.Context, m manifest.Manifest, v imagepull.Verdict) imagepull.Verdict {
	if m.HasLayerAsConfig() {
		return manifest.Unsupported("the manifest gives the configuration the media type of a layer")
	}
	blobs := m.RequiredBlobs()
	if failed := manifest.Validate(blobs); failed.Reason != "" {
		return failed
	}
	config, blobs, failed := ss.readConfig(ctx, m, blobs)
	if failed.Reason != "" {
		return failed
	}
	if failed := manifest.MostSevere(m.CheckUnpack(config), ss.checkBlobs(ctx, blobs)); failed.Reason != "" {
		return failed
	}
	v.Warnings = m.Warnings()
	if p, ok := config.Platform(); ok {
		v.Platforms = []imagepull.Platform{p}
	}
	return v
}
