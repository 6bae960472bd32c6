package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Manifest is the manifest of a single image.
type Manifest struct{ ocispec.Manifest }

// Blob is a blob that a manifest refers to, with its name in messages, such as "layer 2 of 5".
type Blob struct {
	ocispec.Descriptor
	Name string
}

// ErrIsIndex is the error of Parse for a document whose content is an index.
var ErrIsIndex = errors.New("document is an index")

var errIsSchema1 = errors.New("document is a schema 1 manifest")

// Parse decodes a manifest, with the checks of containerd (core/images/image.go, Children and validateMediaType). The error is
// ErrTooLarge for a manifest that Pullgate does not read.
func Parse(body []byte) (m Manifest, err error) {
	if err := checkBounds(body); err != nil {
		return m, err
	}
	var document struct {
		MediaType types.MediaType `json:"mediaType"`
		Manifests json.RawMessage `json:"manifests"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(body, &document); err != nil {
		return m, err
	}
	switch {
	case document.FSLayers != nil:
		return m, errIsSchema1
	case document.Manifests != nil, document.MediaType.IsIndex():
		return m, ErrIsIndex
	}
	err = json.Unmarshal(body, &m.Manifest)
	return m, err
}

// RequiredBlobs returns the blobs that a node fetches for the image, each once. Without an image configuration a node does not
// fetch file system layers (containerd: core/unpack/unpacker.go, Unpack). A node selects a blob with a platform by that
// platform. No image has such blobs, so they are omitted.
func (m Manifest) RequiredBlobs() []Blob {
	all := []Blob{{m.Config, "the configuration"}}
	for i, d := range m.Layers {
		all = append(all, Blob{d, fmt.Sprintf("layer %d of %d", i+1, len(m.Layers))})
	}
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(b Blob) bool {
		if b.Platform != nil || isLayer(b.MediaType) && !m.HasImageConfig() {
			return true
		}
		duplicate := seen[b.Digest.String()]
		seen[b.Digest.String()] = true
		return duplicate
	})
}

// Validate returns the verdict on blobs that a node rejects before it fetches them, or the zero verdict (containerd:
// core/remotes/handlers.go, Fetch).
func Validate(blobs []Blob) imagepull.Verdict { return validate(blobs, 1) }

// validate is Validate for the blobs of a manifest at a level of embedding.
func validate(blobs []Blob, level int) imagepull.Verdict {
	for _, b := range blobs {
		switch {
		case b.Size <= 0:
			return Unsupported("the manifest has no size for " + b.Name)
		case b.Digest.Validate() != nil:
			return Unsupported("the manifest has an invalid digest for " + b.Name)
		case b.IsEmbedded() && b.Digest.Algorithm().FromBytes(b.Data) != b.Digest:
			return Unsupported("the manifest embeds another content for " + b.Name)
		case b.IsEmbedded() && embeddedDefect(b.Descriptor, level) != "":
			return Unsupported("the manifest embeds content of another type for " + b.Name)
		}
	}
	return imagepull.Verdict{}
}

// IsEmbedded reports whether the descriptor holds the blob itself.
func (b Blob) IsEmbedded() bool { return isEmbedded(b.Descriptor) }

// IsManifest reports whether a node fetches the blob as a manifest, because of its media type (containerd:
// core/remotes/docker/fetcher.go, Fetch).
func (b Blob) IsManifest() bool { return kindOf(b.MediaType) != imagepull.KindOther }

// Warnings returns the warnings about an image that can be pulled. A runtime starts an image with an image configuration and a
// file system. A chart, a signature or an attestation has neither.
func (m Manifest) Warnings() []imagepull.Warning {
	if m.HasImageConfig() && (len(m.Layers) == 0 || m.hasFileSystem()) {
		return nil
	}
	return []imagepull.Warning{{
		Reason:  imagepull.WarningNotAContainerImage,
		Message: "a chart or another artifact: it pulls, but cannot start",
	}}
}

// HasImageConfig reports whether the configuration is an image's (containerd: core/images/mediatypes.go, IsConfigType).
func (m Manifest) HasImageConfig() bool { return types.MediaType(m.Config.MediaType).IsConfig() }

// HasLayerAsConfig reports whether the configuration has the media type of a layer. A node does not fetch it then, and cannot read
// it in the end.
func (m Manifest) HasLayerAsConfig() bool { return isLayer(m.Config.MediaType) }

func (m Manifest) hasFileSystem() bool {
	return slices.ContainsFunc(m.Layers, func(d ocispec.Descriptor) bool { return isLayer(d.MediaType) })
}

// isLayer reports whether the media type is a file system layer's (containerd: core/images/mediatypes.go, IsLayerType).
func isLayer(mediaType string) bool {
	base, _, _ := strings.Cut(mediaType, "+")
	switch base {
	case "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.docker.image.rootfs.diff.tar.gzip",
		"application/vnd.docker.image.rootfs.diff.tar.zstd", "application/vnd.docker.image.rootfs.foreign.diff.tar",
		"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "application/vnd.erofs.layer.v1":
		return true
	}
	return strings.HasPrefix(mediaType, "application/vnd.oci.image.layer.")
}

// Unsupported returns an UnsupportedImage verdict.
func Unsupported(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: detail}
}

// Unread returns the verdict on a document that is beyond the bounds of this package. It is Indeterminate, because a node may
// accept the document.
func Unread(name string) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: name + " has more entries than Pullgate reads",
	}
}

// MostSevere returns the first Unpullable verdict, else the first that is not zero, else the zero verdict.
func MostSevere(verdicts ...imagepull.Verdict) imagepull.Verdict {
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
