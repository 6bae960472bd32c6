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

// index adds the platforms of an index to its verdict. The index is read by its digest, as a node does, unless it had to
// be read already.
func (q *question) index(ctx context.Context, v imagepull.Verdict, a answer) imagepull.Verdict {
	if !isContent(v.Digest, a.body) {
		var err error
		a, err = q.ask(ctx, probe{http.MethodGet, v.Digest, a.contentType + ", */*"})
		if err != nil {
			return q.classify(ctx, err)
		}
		if a.status == http.StatusNotFound {
			return imagepull.Verdict{
				Reason: imagepull.ReasonNotFound,
				Detail: "the registry lists the tag but has lost its manifest",
				Fix:    "push the image again",
			}
		}
		if refused := classifyAnswer(a, q.credential); refused.Reason != "" {
			return refused
		}
	}
	if a.size() > q.client.options.ManifestBytes {
		return unsupported("the index is larger than the nodes' runtime accepts")
	}
	if !isContent(v.Digest, a.body) {
		return unavailable("the registry's answer does not match its digest")
	}
	return withPlatforms(v, a.body)
}

func isContent(sum string, body []byte) bool {
	d := digest.Digest(sum)
	return body != nil && d.Algorithm().FromBytes(body) == d
}

func withPlatforms(v imagepull.Verdict, body []byte) imagepull.Verdict {
	index, err := parseIndex(body)
	switch {
	case err != nil:
		return unsupported("the index can't be decoded")
	case len(index.Manifests) > maxEntries:
		return unavailable("the index has more entries than Pullgate reads")
	}
	v.IsIndex = true
	v.Platforms = platforms(index)
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
		var p imagepull.Platform
		if m.Platform != nil {
			p = imagepull.Platform{
				OS:           plain(m.Platform.OS),
				Architecture: plain(m.Platform.Architecture),
				Variant:      plain(m.Platform.Variant),
				OSVersion:    plain(m.Platform.OSVersion),
				OSFeatures:   plainAll(m.Platform.OSFeatures),
			}
		}
		list = append(list, p)
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
