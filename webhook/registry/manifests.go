package registry

import (
	"context"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// ManifestResolver checks that a manifest of an index exists. A node fetches it by its digest, and ignores the headers of the
// response (containerd: core/remotes/docker/fetcher.go, Fetch). [Client.Resolve] follows other rules, those for a reference.
type ManifestResolver struct{ client *Client }

// NewManifestResolver returns a ManifestResolver that shares connections and tokens with the client.
func NewManifestResolver(c *Client) *ManifestResolver { return &ManifestResolver{client: c} }

// Resolve returns the verdict on a manifest with one credential. The reference must have its digest. Size and IsIndex are the
// registry's statements. The manifest itself is not read.
func (m *ManifestResolver) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	list, v := m.client.sessions(ref, normalize(cred))
	if list != nil {
		v = list.findManifest(ctx)
	}
	return withSource(v, cred)
}

// findManifest sends HEAD. Some caches fetch a manifest on GET only, and some registries do not support HEAD. After any other
// response than success to HEAD, the response to GET counts, which is a node's request.
func (ss sessions) findManifest(ctx context.Context) imagepull.Verdict {
	if len(ss) == 0 {
		return noHost()
	}
	digest := ss[0].ref.Digest
	head := request{method: http.MethodHead, object: digest, accept: acceptManifests}
	get := head
	get.method = http.MethodGet
	s, resp, failed := ss.get(ctx, lostManifest(), head, get)
	switch {
	case failed.Reason == imagepull.ReasonAccessDenied:
		failed.Detail = "the registry shows the index but refuses a manifest"
		return failed
	case failed.Reason != "":
		return failed
	case resp.content.isRead && !resp.content.matches(digest):
		return s.endpoint.prefixHost(mismatched())
	}
	v := imagepull.Verdict{
		Reason:  imagepull.ReasonPullable,
		Digest:  digest,
		Size:    resp.total,
		IsIndex: types.MediaType(resp.contentType).IsIndex(),
	}
	if resp.content.isRead {
		v.Size = resp.size()
	}
	return v
}

func lostManifest() imagepull.Verdict { return missing("the registry has lost the manifest") }
