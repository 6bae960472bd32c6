package credentials

import (
	"context"
	"iter"
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Candidates are the credentials that a kubelet would try for one image. They are for one goroutine at a time.
type Candidates struct {
	set        Set
	repository string
	unknown    []Problem
}

// Lookup returns the candidates for a repository such as "docker.io/library/nginx".
func (s Set) Lookup(repository string) *Candidates {
	return &Candidates{set: s, repository: repository}
}

// First returns the candidate that a kubelet tries first for a repository, unless a provider has to be asked for it.
func (s Set) First(repository string) (first imagepull.Credential, known bool) {
	for _, ring := range []Keyring{s.Keyring, s.node.config} {
		if found := ring.match(repository); len(found) > 0 {
			return found[0], true
		}
	}
	return imagepull.Credential{}, s.node.providers.none()
}

// All yields the candidates in the kubelet's order: those of the pod's secrets, those of the nodes' config.json, and
// those of the nodes' credential providers. There is always at least one: without any match it is the anonymous one.
// Once anything has matched, the kubelet does not fall back to asking anonymously, even if every match is refused.
//
// Providers are asked when it is their turn, and so not at all if an earlier credential is good enough for the caller. The
// kubelet asks them first, but uses nothing that they say before it has tried the others. They get half of the time
// that the context leaves, so that a slow one doesn't use up what the registry needs.
func (c *Candidates) All(ctx context.Context) iter.Seq[imagepull.Credential] {
	return func(yield func(imagepull.Credential) bool) {
		known := slices.Concat(c.set.match(c.repository), c.set.node.config.match(c.repository))
		if !offer(known, yield) {
			return
		}
		ctx, cancel := halfOf(ctx)
		provided, problems := c.set.node.providers.match(ctx, c.repository)
		cancel()
		c.unknown = slices.Concat(c.set.node.unknown, problems)
		if len(known)+len(provided) == 0 {
			provided = []imagepull.Credential{{}}
		}
		offer(provided, yield)
	}
}

// Unknown returns what may keep further credentials from Pullgate that nodes have for this image, once All has come to
// its end: a refusal of those that it yielded then proves nothing.
func (c *Candidates) Unknown() []Problem { return c.unknown }

// offer reports whether more is wanted.
func offer(credentials []imagepull.Credential, yield func(imagepull.Credential) bool) bool {
	for _, credential := range credentials {
		if !yield(credential) {
			return false
		}
	}
	return true
}
