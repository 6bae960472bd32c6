package registry

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

// manifest is that of a single image, decoded with the types of containerd.
type manifest struct{ ocispec.Manifest }

// part is a blob that a manifest refers to, and what it is called in messages.
type part struct {
	ocispec.Descriptor
	name string
}

// errNotAManifest is what containerd says of a document that is an index by its content.
var errNotAManifest = errors.New("not a manifest")

var errSchema1 = errors.New("schema 1")

// parseManifest checks what containerd checks (core/images/image.go, Children and validateMediaType).
func parseManifest(body []byte) (m manifest, err error) {
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
		return m, errSchema1
	case document.Manifests != nil, document.MediaType.IsIndex():
		return m, errNotAManifest
	}
	err = json.Unmarshal(body, &m.Manifest)
	return m, err
}

// fetched lists what a node fetches of the image, each blob once. It leaves the layers of a file system alone where there is
// no configuration to unpack them by (containerd: core/unpack/unpacker.go, Unpack). What bears a platform of its own it
// takes by that, and what is a manifest by its type it follows; no image has such parts, and they are left out here.
func (m manifest) fetched() []part {
	all := []part{{m.Config, "the configuration"}}
	for i, d := range m.Layers {
		all = append(all, part{d, fmt.Sprintf("layer %d of %d", i+1, len(m.Layers))})
	}
	seen := make(map[string]bool)
	return slices.DeleteFunc(all, func(b part) bool {
		mt := types.MediaType(b.MediaType)
		if b.Platform != nil || mt.IsImage() || mt.IsIndex() || isLayer(b.MediaType) && !isConfig(m.Config.MediaType) {
			return true
		}
		again := seen[b.Digest.String()]
		seen[b.Digest.String()] = true
		return again
	})
}

// defect judges what a node can't fetch, whatever the registry has (containerd: core/remotes/handlers.go, Fetch).
func defect(parts []part) imagepull.Verdict {
	for _, b := range parts {
		switch {
		case b.Size <= 0:
			return unsupported("the manifest gives no size for " + b.name)
		case b.Digest.Validate() != nil:
			return unsupported("the manifest gives an invalid digest for " + b.name)
		}
	}
	return imagepull.Verdict{}
}

// isEmbedded reports whether the blob is in its descriptor already.
func (b part) isEmbedded() bool { return b.Size == int64(len(b.Data)) }

// remarks is what there is to say of an image that pulls. A runtime starts what has an image's configuration and a file
// system; a chart, a signature or a statement about another image has not.
func (m manifest) remarks() []imagepull.Warning {
	if isConfig(m.Config.MediaType) && (len(m.Layers) == 0 || m.hasFileSystem()) {
		return nil
	}
	return []imagepull.Warning{{
		Reason:  imagepull.WarningNotAContainerImage,
		Message: "a chart or another artifact: it pulls, but cannot start",
	}}
}

// remarks reads a manifest that came along unasked for; nil for what it can't read.
func remarks(body []byte) []imagepull.Warning {
	m, err := parseManifest(body)
	if err != nil {
		return nil
	}
	return m.remarks()
}

func (m manifest) hasFileSystem() bool {
	return slices.ContainsFunc(m.Layers, func(d ocispec.Descriptor) bool { return isLayer(d.MediaType) })
}

// isConfig is containerd's notion of an image's configuration (core/images/mediatypes.go, IsConfigType).
func isConfig(mediaType string) bool { return types.MediaType(mediaType).IsConfig() }

// isLayer is containerd's notion of a layer of a file system (core/images/mediatypes.go, IsLayerType).
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
