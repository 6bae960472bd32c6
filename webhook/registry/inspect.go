package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Inspector asks for what a manifest refers to, as a node does that has resolved a reference to it. It takes the question
// where [Client.Resolve] leaves it, and goes on to the end of the pull but for the content of the layers.
//
// A node that reads an index goes on with the manifests for its platform. Which these are is not known here, so that each
// of them is a question of its own.
type Inspector struct{ client *Client }

// NewInspector returns an Inspector that shares connections and tokens with the client.
func NewInspector(c *Client) *Inspector { return &Inspector{client: c} }

// Resolve says whether manifest, configuration and layers could be pulled with one credential. The reference is by digest,
// that of a single manifest. The verdict names the platform of the configuration.
func (i *Inspector) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	p, v := i.client.pull(ref, shown(cred))
	if p != nil {
		v = p.inspect(ctx)
	}
	return said(v, cred)
}

// inspect reads the manifest, then asks for its parts. An index within an index is left at that: a node would go on, but
// nobody is known to push one.
func (p *pull) inspect(ctx context.Context) imagepull.Verdict {
	q, a, failed := p.fetch(ctx, missing("the registry has lost the manifest"), probe{
		method: http.MethodGet, object: p.ref.Digest, accept: acceptManifests,
	})
	if failed.Reason != "" {
		return failed
	}
	if !isContent(p.ref.Digest, a.body) {
		return q.endpoint.say(mismatched())
	}
	m, err := parseManifest(a.body)
	switch {
	case errors.Is(err, errNotAManifest):
		return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: p.ref.Digest}
	case err != nil:
		return unsupported("the manifest can't be decoded")
	}
	return p.contents(ctx, m)
}

// contents judges what the manifest refers to. Nodes fetch and unpack at the same time, and whatever goes wrong ends the
// pull: so one certain failure counts, however much else is in doubt.
func (p *pull) contents(ctx context.Context, m manifest) imagepull.Verdict {
	parts := m.fetched()
	if v := defect(parts); v.Reason != "" {
		return v
	}
	c, parts, failed := p.config(ctx, m, parts)
	if failed.Reason != "" {
		return failed
	}
	if v := gravest(m.unpack(c), p.search(ctx, parts)); v.Reason != "" {
		return v
	}
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: p.ref.Digest, Warnings: m.remarks()}
	if c.isNamed() {
		v.Platforms = []imagepull.Platform{platform(&c.Platform)}
	}
	return v
}

// gravest returns the first certain failure, else the first doubt, else the zero verdict.
func gravest(verdicts ...imagepull.Verdict) imagepull.Verdict {
	var chosen imagepull.Verdict
	for _, v := range verdicts {
		switch {
		case v.Reason == "":
		case v.Outcome() == imagepull.Unpullable:
			return v
		case chosen.Reason == "":
			chosen = v
		}
	}
	return chosen
}

func missing(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: detail}
}
