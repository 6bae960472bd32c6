package manifest

import (
	"encoding/json"
	"errors"
	"regexp"

	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Bounds of an index. Its author may be an attacker. Real indexes have a few dozen entries.
const (
	maxEntries    = 1024
	maxOSFeatures = 16
)

// Index is an image index: a list of manifests with their platforms.
type Index struct{ index ocispec.Index }

// ErrTooManyEntries is the error of ParseIndex for an index with more than 1024 entries.
var ErrTooManyEntries = errors.New("index has too many entries")

// errNotAnIndex is the error for a document whose content is not an index.
var errNotAnIndex = errors.New("document is not an index")

// ParseIndex decodes an index, with the checks of containerd (core/images/image.go, Children and validateMediaType). As in
// containerd, any string is a digest.
func ParseIndex(body []byte) (Index, error) {
	var document struct {
		MediaType types.MediaType `json:"mediaType"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return Index{}, err
	}
	if document.Config != nil || document.Layers != nil || document.FSLayers != nil || document.MediaType.IsImage() {
		return Index{}, errNotAnIndex
	}
	var i Index
	if err := json.Unmarshal(body, &i.index); err != nil {
		return Index{}, err
	}
	if len(i.index.Manifests) > maxEntries {
		return Index{}, ErrTooManyEntries
	}
	return i, nil
}

// Platforms returns the platform of each entry. An entry without one has the zero Platform: a node reads the platform from the
// configuration then.
func (i Index) Platforms() []imagepull.Platform {
	list := make([]imagepull.Platform, 0, len(i.index.Manifests))
	for _, m := range i.index.Manifests {
		list = append(list, platform(m.Platform))
	}
	return list
}

// Digests returns the digest of each entry; an invalid one is empty.
func (i Index) Digests() []string {
	list := make([]string, 0, len(i.index.Manifests))
	for _, m := range i.index.Manifests {
		if m.Digest.Validate() != nil {
			m.Digest = ""
		}
		list = append(list, m.Digest.String())
	}
	return list
}

func platform(p *ocispec.Platform) imagepull.Platform {
	if p == nil {
		return imagepull.Platform{}
	}
	var features []string
	for _, feature := range p.OSFeatures[:min(len(p.OSFeatures), maxOSFeatures)] {
		features = append(features, sanitize(feature))
	}
	return imagepull.Platform{
		OS:           sanitize(p.OS),
		Architecture: sanitize(p.Architecture),
		Variant:      sanitize(p.Variant),
		OSVersion:    sanitize(p.OSVersion),
		OSFeatures:   features,
	}
}

// sanitize returns a word of a platform, or "unknown" if it is not a plain name. Platforms appear in messages, and an image's
// author must not choose their text.
func sanitize(word string) string {
	if platformWord.MatchString(word) {
		return word
	}
	return "unknown"
}

var platformWord = regexp.MustCompile(`^[A-Za-z0-9_.-]{0,32}$`)
