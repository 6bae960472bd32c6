package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// readIndex adds the content of an index to its verdict. A node expects the length that the registry stated when the index was
// resolved (containerd: core/content/helpers.go, Copy). CRI-O reads an index without asking for its length first.
func (ss sessions) readIndex(ctx context.Context, v imagepull.Verdict, resp response) imagepull.Verdict {
	read, ok := ss.cachedIndex(v)
	if !ok {
		read = ss.fetchIndex(ctx, v, resp)
		ss.cacheIndex(read)
	}
	if read.IsIndex && read.Size != v.Size && !ss[0].client.runtime.getsManifests {
		return manifest.Unsupported("the registry states a wrong size of the index")
	}
	return read
}

// fetchIndex reads an index. A node reads it by its digest, beginning with the first host again. If there is one host only and
// its body was read, that request is not repeated.
func (ss sessions) fetchIndex(ctx context.Context, v imagepull.Verdict, resp response) imagepull.Verdict {
	client := ss[0].client
	limit := client.options.ManifestBytes
	if len(ss) > 1 || !resp.content.matches(v.Digest) {
		s, read, failed := ss.get(ctx, lostIndex(), request{
			method: http.MethodGet, object: v.Digest, accept: resp.contentType + ", */*", decode: decodeIndex,
		})
		if failed.Reason != "" {
			return failed
		}
		if !read.content.matches(v.Digest) && read.size() <= limit {
			return s.endpoint.prefixHost(mismatched())
		}
		resp = read
	}
	if resp.size() > limit {
		return manifest.Unsupported("the index is larger than the nodes' runtime accepts")
	}
	return client.runtime.withIndex(v, resp.content)
}

// lostIndex returns the verdict on an index that the registry has resolved, so that access is given, and does not have.
func lostIndex() imagepull.Verdict {
	return imagepull.Verdict{
		Reason:        imagepull.ReasonNotFound,
		Detail:        "the registry lists the tag but has lost its manifest",
		Fix:           "push the image again",
		AnyCredential: true,
	}
}

// withIndex adds the content of an index to its verdict.
func (r runtimeRules) withIndex(v imagepull.Verdict, c content) imagepull.Verdict {
	switch d := c.document; {
	case errors.Is(d.err, manifest.ErrTooLarge):
		return manifest.Unread("the index")
	case d.err != nil:
		return r.unsupported("the index cannot be decoded")
	default:
		v.IsIndex, v.Size, v.Platforms, v.Manifests = true, c.size, d.platforms, d.manifests
		return v
	}
}
