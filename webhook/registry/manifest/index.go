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
// configuration then. An entry whose platform is empty has the platform unknown.
func (i Index) Platforms() []imagepull.Platform {
	list := make([]imagepull.Platform, 0, len(i.index.Manifests))
	for _, m := range i.index.Manifests {
		list = append(list, platform(m.Platform))
	}
	return list
}

// Manifests describes each entry.
func (i Index) Manifests() []imagepull.Descriptor {
	list := make([]imagepull.Descriptor, 0, len(i.index.Manifests))
	for _, d := range i.index.Manifests {
		list = append(list, describe(d))
	}
	return list
}

func describe(d ocispec.Descriptor) imagepull.Descriptor {
	described := imagepull.Descriptor{Digest: d.Digest.String(), Size: d.Size, Kind: kindOf(d.MediaType)}
	if d.Digest.Validate() != nil {
		described.Digest = ""
	}
	described.Defect = defect(d)
	described.Elsewhere = described.Defect == "" && (isEmbedded(d) || len(d.URLs) > 0)
	return described
}

func kindOf(mediaType string) imagepull.ManifestKind {
	switch mt := types.MediaType(mediaType); {
	case mt.IsImage():
		return imagepull.KindImage
	case mt.IsIndex():
		return imagepull.KindIndex
	}
	return imagepull.KindOther
}

// defect describes why a node rejects an entry before it sends a request for it (containerd: core/remotes/handlers.go,
// FetchHandler and Fetch). It is empty if the node does not.
func defect(d ocispec.Descriptor) string {
	switch {
	case d.MediaType == string(types.DockerManifestSchema1Signed):
		return "the index has an image of the old schema 1 format"
	case d.Size <= 0:
		return "the index gives no valid size for a manifest"
	case d.Digest.Validate() != nil:
		return "the index gives an invalid digest for a manifest"
	case !isEmbedded(d):
		return ""
	case d.Digest.Algorithm().FromBytes(d.Data) != d.Digest:
		return "the index holds a manifest that does not match its digest"
	}
	return embeddedDefect(d)
}

// embeddedDefect describes why a node rejects the content of an entry that the index itself holds.
func embeddedDefect(d ocispec.Descriptor) string {
	const undecodable = "the index holds a manifest that cannot be decoded"
	switch kindOf(d.MediaType) {
	case imagepull.KindImage:
		m, err := Parse(d.Data)
		if err != nil {
			return undecodable
		}
		return Validate(m.RequiredBlobs()).Detail
	case imagepull.KindIndex:
		if _, err := ParseIndex(d.Data); err != nil {
			return undecodable
		}
	case imagepull.KindOther:
	}
	return ""
}

// isEmbedded reports whether a node takes the content from the descriptor itself.
func isEmbedded(d ocispec.Descriptor) bool { return d.Size == int64(len(d.Data)) }

// platform returns the zero Platform if none is named. An empty one matches no node.
func platform(p *ocispec.Platform) imagepull.Platform {
	switch {
	case p == nil:
		return imagepull.Platform{}
	case p.OS == "" && p.Architecture == "":
		return imagepull.Platform{OS: "unknown", Architecture: "unknown"}
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
