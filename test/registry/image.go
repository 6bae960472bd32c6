package registry

import (
	"fmt"
	"hash/fnv"
	"math/rand"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// ImageOption changes the image of PushImage.
type ImageOption func(*imageOptions)

type imageOptions struct {
	platform   imagepull.Platform
	layers     int
	layerBytes int64
	docker     bool
	program    []byte
}

// WithPlatform sets the platform in the image's configuration.
func WithPlatform(p imagepull.Platform) ImageOption {
	return func(o *imageOptions) { o.platform = p }
}

// WithLayers sets the number of layers and the size of the file in each. The default is one layer with 256 bytes.
func WithLayers(layers int, bytes int64) ImageOption {
	return func(o *imageOptions) { o.layers, o.layerBytes = layers, bytes }
}

// WithDockerMediaTypes uses the media types of Docker's schema 2 in place of OCI's.
func WithDockerMediaTypes() ImageOption {
	return func(o *imageOptions) { o.docker = true }
}

// WithProgram adds a layer with the program as /program, and makes it the entry point.
func WithProgram(program []byte) ImageOption {
	return func(o *imageOptions) { o.program = program }
}

// mediaTypes returns the media types of the manifest, the configuration and the layers.
func (o *imageOptions) mediaTypes() (manifest, config, layer types.MediaType) {
	if o.docker {
		return types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer
	}
	return types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer
}

// newImage creates an image whose content depends only on the source and the options.
func newImage(source rand.Source, opts []ImageOption) (v1.Image, error) {
	o := imageOptions{platform: defaultPlatform(), layers: 1, layerBytes: 256}
	for _, opt := range opts {
		opt(&o)
	}
	manifestType, configType, layerType := o.mediaTypes()
	layers := make([]v1.Layer, 0, o.layers)
	for range o.layers {
		layer, err := random.Layer(o.layerBytes, layerType, random.WithSource(source))
		if err != nil {
			return nil, fmt.Errorf("making a layer: %w", err)
		}
		layers = append(layers, layer)
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, manifestType), configType)
	img, err := mutate.AppendLayers(base, layers...)
	if err != nil {
		return nil, fmt.Errorf("appending layers: %w", err)
	}
	if o.program != nil {
		if img, err = withProgram(img, o.program, layerType); err != nil {
			return nil, err
		}
	}
	return withPlatform(img, o.platform)
}

// withPlatform sets the platform in the image's configuration.
func withPlatform(img v1.Image, p imagepull.Platform) (v1.Image, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	config.OSVersion, config.OSFeatures = p.OSVersion, p.OSFeatures
	return mutate.ConfigFile(img, config)
}

// Entry is an entry of an index.
type Entry struct {
	// Platform is the platform in the index. The zero value creates an entry without a platform, unknown/unknown an
	// attestation.
	Platform imagepull.Platform
	// Image is the platform in the image's own configuration. The zero value means linux/amd64.
	Image imagepull.Platform
}

// newIndex creates an index and its images.
func newIndex(source rand.Source, entries []Entry) (v1.ImageIndex, error) {
	var index v1.ImageIndex = empty.Index
	for _, e := range entries {
		img, err := e.image(source)
		if err != nil {
			return nil, err
		}
		addendum := mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: indexPlatform(e.Platform)}}
		if e.isAttestation() {
			addendum.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
		}
		index = mutate.AppendManifests(index, addendum)
	}
	return index, nil
}

func (e Entry) isAttestation() bool {
	return e.Platform.OS == "unknown" && e.Platform.Architecture == "unknown"
}

func (e Entry) image(source rand.Source) (v1.Image, error) {
	if e.isAttestation() {
		return newAttestation(source)
	}
	platform := e.Image
	if platform.OS == "" && platform.Architecture == "" {
		platform = defaultPlatform()
	}
	return newImage(source, []ImageOption{WithPlatform(platform)})
}

// newAttestation creates an attestation in the form of BuildKit: an image with one in-toto layer and no program.
func newAttestation(source rand.Source) (v1.Image, error) {
	statement := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v0.1","predicate":{"number":%d}}`, source.Int63())
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(base, static.NewLayer(statement, "application/vnd.in-toto+json"))
	if err != nil {
		return nil, fmt.Errorf("making an attestation: %w", err)
	}
	return withPlatform(img, imagepull.Platform{OS: "unknown", Architecture: "unknown"})
}

// indexPlatform returns the platform in the form of an index, or nil for the zero value.
func indexPlatform(p imagepull.Platform) *v1.Platform {
	if p.OS == "" && p.Architecture == "" {
		return nil
	}
	return &v1.Platform{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
	}
}

func defaultPlatform() imagepull.Platform {
	return imagepull.Platform{OS: "linux", Architecture: "amd64"}
}

// seeds derives a random source for each push. It depends on the server's seed, the reference and the number of
// earlier pushes of that reference. It does not depend on the order of parallel pushes, so a second run of a test
// pushes the same content.
type seeds struct {
	seed uint64

	mu    sync.Mutex
	drawn map[string]uint64
}

func (s *seeds) draw(ref string) rand.Source {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drawn[ref]++
	h := fnv.New32a()
	// Writing to a hash does not fail.
	_, _ = fmt.Fprintf(h, "%d %d %s", s.seed, s.drawn[ref], ref)
	return rand.NewSource(int64(h.Sum32()))
}
