package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// index adds the platforms of an index to its verdict. A node reads the index by its digest, and begins with the first host
// again; where there is but one that would be asking twice for what is here already, or was once.
func (p *pull) index(ctx context.Context, v imagepull.Verdict, a answer) imagepull.Verdict {
	if known, ok := p.recall(v); ok {
		return known
	}
	limit := p.questions[0].client.options.ManifestBytes
	if len(p.questions) > 1 || !isContent(v.Digest, a.body) {
		q, fetched, failed := p.fetch(ctx, lostIndex(), probe{
			method: http.MethodGet, object: v.Digest, accept: a.contentType + ", */*",
		})
		if failed.Reason != "" {
			return failed
		}
		if !isContent(v.Digest, fetched.body) && fetched.size() <= limit {
			return q.endpoint.say(mismatched())
		}
		a = fetched
	}
	if a.size() > limit {
		return manifest.Unsupported("the index is larger than the nodes' runtime accepts")
	}
	v = p.questions[0].client.runtime.withPlatforms(v, a.body)
	p.keep(v)
	return v
}

func lostIndex() imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonNotFound,
		Detail: "the registry lists the tag but has lost its manifest",
		Fix:    "push the image again",
	}
}

func mismatched() imagepull.Verdict {
	return unavailable("the registry's answer does not match its digest")
}

func isContent(sum string, body []byte) bool {
	d := digest.Digest(sum)
	return body != nil && d.Algorithm().FromBytes(body) == d
}

func (r runtimeRules) withPlatforms(v imagepull.Verdict, body []byte) imagepull.Verdict {
	index, err := manifest.ParseIndex(body)
	switch {
	case errors.Is(err, manifest.ErrTooManyEntries):
		return unavailable("the index has more entries than Pullgate reads")
	case err != nil:
		return r.unusableAnswer("the index can't be decoded")
	}
	v.IsIndex = true
	v.Platforms = index.Platforms()
	v.Digests = index.Digests()
	return v
}
