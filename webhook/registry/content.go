package registry

import (
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

// Bounds of what is remembered of indexes. Who may push to a registry chooses their length; a longer one is read each time.
const (
	maxContents = 1024
	maxListed   = 64
)

// contentKey names an index at one endpoint.
type contentKey struct {
	endpoint           hosts.Fingerprint
	repository, digest string
}

// content is what an index lists. It can't change, being named by its digest, and is shared by all verdicts on it. It is for
// those only whom the registry has just given access to the index.
type content struct {
	platforms []imagepull.Platform
	digests   []string
}

// contentKey returns the place of an index, if there is but one host that a node could read it from: of several, each may
// fail in its own way.
func (p *pull) contentKey(digest string) (key contentKey, ok bool) {
	if len(p.questions) != 1 {
		return contentKey{}, false
	}
	return contentKey{p.questions[0].endpoint.id, p.ref.Path, digest}, true
}

// recall adds to the verdict on an index what is known of it.
func (p *pull) recall(v imagepull.Verdict) (imagepull.Verdict, bool) {
	key, ok := p.contentKey(v.Digest)
	if !ok {
		return v, false
	}
	c, known := p.questions[0].client.contents.Get(key)
	if known {
		v.IsIndex, v.Platforms, v.Digests = true, c.platforms, c.digests
	}
	return v, known
}

// keep remembers what a verdict lists of an index.
func (p *pull) keep(v imagepull.Verdict) {
	if key, ok := p.contentKey(v.Digest); ok && v.IsIndex && len(v.Digests) <= maxListed {
		p.questions[0].client.contents.Add(key, content{v.Platforms, v.Digests})
	}
}
