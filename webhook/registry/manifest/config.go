package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Config is an image configuration. The zero value is a configuration that was not read.
type Config struct {
	image ocispec.Image
	read  bool
	err   error
}

// ParseConfig decodes a configuration. A node decodes every field, also of artifacts (containerd:
// internal/cri/store/image/image.go, getImage). CheckUnpack reports an invalid one, and one that Pullgate does not read.
func ParseConfig(body []byte) Config {
	c := Config{read: true, err: checkBounds(body)}
	if c.err == nil {
		c.err = json.Unmarshal(body, &c.image)
	}
	return c
}

// Platform returns the platform that the image was built for, if the configuration states it.
func (c Config) Platform() (p imagepull.Platform, ok bool) {
	if !c.read || c.err != nil || c.image.OS == "" || c.image.Architecture == "" {
		return imagepull.Platform{}, false
	}
	return platform(&c.image.Platform), true
}

// isForLinux reports whether a Linux node unpacks the image. It does so for every architecture, and if the configuration names
// no operating system (containerd: plugins/transfer, the matcher OnlyOS).
func (c Config) isForLinux() bool {
	return c.image.OS == "" || strings.EqualFold(c.image.OS, "linux")
}

// CheckUnpack returns the verdict on a configuration that a node cannot decode and on layers that it cannot unpack, or the zero
// verdict (containerd: core/unpack/unpacker.go, unpack).
func (m Manifest) CheckUnpack(c Config) imagepull.Verdict {
	switch {
	case !c.read:
		return imagepull.Verdict{}
	case errors.Is(c.err, ErrTooLarge):
		return Unread("the configuration")
	case c.err != nil:
		return Unsupported("the configuration cannot be decoded")
	case !m.HasImageConfig(), !m.hasFileSystem():
		return imagepull.Verdict{}
	}
	layers := slices.DeleteFunc(slices.Clone(m.Layers), func(d ocispec.Descriptor) bool { return !isLayer(d.MediaType) })
	rootFS := c.image.RootFS
	switch {
	case slices.ContainsFunc(layers, func(d ocispec.Descriptor) bool { return d.Platform != nil }):
		return imagepull.Verdict{} // the node's platform decides which ones count
	case len(layers) != len(rootFS.DiffIDs):
		return Unsupported(fmt.Sprintf("the manifest has %d layers, its configuration %d", len(layers), len(rootFS.DiffIDs)))
	case !c.isForLinux(), rootFS.Type != "" && rootFS.Type != "layers":
		return imagepull.Verdict{} // the layers are not unpacked, and the pull succeeds
	}
	var verdicts []imagepull.Verdict
	for i, d := range layers {
		verdicts = append(verdicts, checkEncryption(d.MediaType, fmt.Sprintf("layer %d of %d", i+1, len(layers))))
	}
	return MostSevere(verdicts...)
}

// checkEncryption returns the verdict on an encrypted layer, or the zero verdict. containerd ignores all other suffixes except
// gzip and zstd (core/images/mediatypes.go, DiffCompression), so that only the content shows whether it can unpack the layer.
func checkEncryption(mediaType, name string) imagepull.Verdict {
	if !slices.Contains(strings.Split(mediaType, "+")[1:], "encrypted") {
		return imagepull.Verdict{}
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: name + " is encrypted, and only nodes that have its key can unpack it",
	}
}
