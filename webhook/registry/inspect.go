package registry

import (
	"context"
	"errors"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
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
	m, err := manifest.Parse(a.body)
	switch {
	case errors.Is(err, manifest.ErrIsIndex):
		return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: p.ref.Digest}
	case err != nil:
		return manifest.Unsupported("the manifest can't be decoded")
	}
	return p.contents(ctx, m)
}

// contents judges what the manifest refers to. Nodes fetch and unpack at the same time, and whatever goes wrong ends the
// pull: so one certain failure counts, however much else is in doubt.
func (p *pull) contents(ctx context.Context, m manifest.Manifest) imagepull.Verdict {
	parts := m.RequiredBlobs()
	if v := manifest.Validate(parts); v.Reason != "" {
		return v
	}
	c, parts, failed := p.config(ctx, m, parts)
	if failed.Reason != "" {
		return failed
	}
	if v := manifest.MostSevere(m.CheckUnpack(c), p.search(ctx, parts)); v.Reason != "" {
		return v
	}
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: p.ref.Digest, Warnings: m.Warnings()}
	if built, ok := c.Platform(); ok {
		v.Platforms = []imagepull.Platform{built}
	}
	return v
}

func missing(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: detail}
}
