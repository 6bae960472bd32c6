package registry

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Bounds of what a verdict keeps of an index, whose author may be anybody. Real ones have a few dozen entries.
const (
	maxEntries    = 1024
	maxOSFeatures = 16
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
		return unsupported("the index is larger than the nodes' runtime accepts")
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
	index, err := parseIndex(body)
	switch {
	case err != nil:
		return r.unusableAnswer("the index can't be decoded")
	case len(index.Manifests) > maxEntries:
		return unavailable("the index has more entries than Pullgate reads")
	}
	v.IsIndex = true
	v.Platforms = platforms(index)
	v.Digests = digests(index)
	return v
}

// errNotAnIndex is what containerd says of a document that is something else by its content.
var errNotAnIndex = errors.New("not an index")

// parseIndex decodes with the types of containerd, which takes every digest for a string, and checks what it checks
// (containerd: core/images/image.go, Children and validateMediaType).
func parseIndex(body []byte) (index ocispec.Index, err error) {
	var document struct {
		MediaType types.MediaType `json:"mediaType"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return index, err
	}
	if document.Config != nil || document.Layers != nil || document.FSLayers != nil || document.MediaType.IsImage() {
		return index, errNotAnIndex
	}
	err = json.Unmarshal(body, &index)
	return index, err
}

// platforms lists what an index offers. An entry without a platform is listed as the zero Platform: a node finds out by
// reading its configuration.
func platforms(index ocispec.Index) []imagepull.Platform {
	list := make([]imagepull.Platform, 0, len(index.Manifests))
	for _, m := range index.Manifests {
		list = append(list, platform(m.Platform))
	}
	return list
}

func platform(p *ocispec.Platform) imagepull.Platform {
	if p == nil {
		return imagepull.Platform{}
	}
	return imagepull.Platform{
		OS:           plain(p.OS),
		Architecture: plain(p.Architecture),
		Variant:      plain(p.Variant),
		OSVersion:    plain(p.OSVersion),
		OSFeatures:   plainAll(p.OSFeatures),
	}
}

// digests lists those of the entries; none for what can't be one.
func digests(index ocispec.Index) []string {
	list := make([]string, 0, len(index.Manifests))
	for _, m := range index.Manifests {
		if m.Digest.Validate() != nil {
			m.Digest = ""
		}
		list = append(list, m.Digest.String())
	}
	return list
}

func plainAll(words []string) []string {
	var list []string
	for _, word := range words[:min(len(words), maxOSFeatures)] {
		list = append(list, plain(word))
	}
	return list
}

// plain returns a platform's word if it is one, else "unknown". Platforms appear in messages, and no platform has a name
// that says something else there.
func plain(word string) string {
	if platformWord.MatchString(word) {
		return word
	}
	return "unknown"
}

var platformWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,32}$`)
