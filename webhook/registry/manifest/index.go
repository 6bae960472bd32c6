package manifest

import (
	"encoding/json"
	"errors"
	"regexp"

	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxOSFeatures bounds the features of a platform that are compared. Its author may be an attacker.
const maxOSFeatures = 16

// Index is an image index: a list of manifests with their platforms.
type Index struct{ index ocispec.Index }

// errNotAnIndex is the error for a document whose content is not an index.
var errNotAnIndex = errors.New("document is not an index")

// ParseIndex decodes an index, with the checks of containerd (core/images/image.go, Children and validateMediaType). As in
// containerd, any string is a digest. The error is ErrTooLarge for an index that Pullgate does not read.
func ParseIndex(body []byte) (Index, error) {
	if err := checkBounds(body); err != nil {
		return Index{}, err
	}
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
	err := json.Unmarshal(body, &i.index)
	return i, err
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
	return embeddedDefect(d, 1)
}

// embeddedDefect describes why a node rejects the content of an entry that the document itself holds, at a level of embedding. It
// is empty for content beyond the bounds, which a node may accept.
func embeddedDefect(d ocispec.Descriptor, level int) string {
	if level > maxEmbedding {
		return ""
	}
	var err error
	switch kindOf(d.MediaType) {
	case imagepull.KindImage:
		var m Manifest
		if m, err = Parse(d.Data); err == nil {
			return validate(m.RequiredBlobs(), level+1).Detail
		}
	case imagepull.KindIndex:
		_, err = ParseIndex(d.Data)
	case imagepull.KindOther:
	}
	if err == nil || errors.Is(err, ErrTooLarge) {
		return ""
	}
	return "the index holds a manifest that cannot be decoded"
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
