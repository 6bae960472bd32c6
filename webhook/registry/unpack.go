package registry

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// imageConfig is what a node reads of a configuration to unpack an image (containerd: core/unpack/unpacker.go,
// unpackConfig). The zero value is one that was not read.
type imageConfig struct {
	ocispec.Platform
	RootFS ocispec.RootFS `json:"rootfs"`

	read bool
	err  error
}

func parseConfig(body []byte) imageConfig {
	c := imageConfig{read: true}
	c.err = json.Unmarshal(body, &c)
	return c
}

// isNamed reports whether the configuration says what the image was built for.
func (c imageConfig) isNamed() bool {
	return c.read && c.err == nil && c.OS != "" && c.Architecture != ""
}

// isForLinux reports whether a Linux node unpacks the image: it does so for every processor, and takes an image that names no
// system for one of its own (containerd: plugins/transfer, the matcher OnlyOS).
func (c imageConfig) isForLinux() bool { return c.OS == "" || strings.EqualFold(c.OS, "linux") }

// unpack judges what keeps a node from unpacking the layers, the zero verdict being nothing (containerd:
// core/unpack/unpacker.go, unpack).
func (m manifest) unpack(c imageConfig) imagepull.Verdict {
	if !c.read || !m.hasFileSystem() {
		return imagepull.Verdict{}
	}
	layers := slices.DeleteFunc(slices.Clone(m.Layers), func(d ocispec.Descriptor) bool {
		return d.Platform != nil || !isLayer(d.MediaType)
	})
	switch {
	case c.err != nil:
		return unsupported("the configuration can't be decoded")
	case len(layers) != len(m.Layers):
		return imagepull.Verdict{} // more than files in it: which of them count is not for Pullgate to guess
	case len(layers) != len(c.RootFS.DiffIDs):
		return unsupported(fmt.Sprintf("the manifest has %d layers, its configuration %d", len(layers), len(c.RootFS.DiffIDs)))
	case !c.isForLinux(), c.RootFS.Type != "" && c.RootFS.Type != "layers":
		return imagepull.Verdict{} // the layers stay packed, and the pull succeeds
	}
	var verdicts []imagepull.Verdict
	for i, d := range layers {
		verdicts = append(verdicts, unpackable(d.MediaType, fmt.Sprintf("layer %d of %d", i+1, len(layers))))
	}
	return gravest(verdicts...)
}

// unpackable judges the suffix of a layer's media type. What is encrypted only nodes with the key can tell. Any other suffix
// than gzip and zstd is as good as none to containerd (core/images/mediatypes.go, DiffCompression): whether there is a plain
// archive behind it, or lz4, only the content tells.
func unpackable(mediaType, name string) imagepull.Verdict {
	if !slices.Contains(strings.Split(mediaType, "+")[1:], "encrypted") {
		return imagepull.Verdict{}
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: name + " is encrypted, and only nodes that have its key can unpack it",
	}
}
