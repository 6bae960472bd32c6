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

// ImageOption changes the image that PushImage makes.
type ImageOption func(*imageOptions)

type imageOptions struct {
	platform   imagepull.Platform
	layers     int
	layerBytes int64
	docker     bool
	program    []byte
}

// WithPlatform makes the image's configuration name the platform.
func WithPlatform(p imagepull.Platform) ImageOption {
	return func(o *imageOptions) { o.platform = p }
}

// WithLayers gives the image so many layers, each holding a file of so many bytes, instead of one with 256.
func WithLayers(layers int, bytes int64) ImageOption {
	return func(o *imageOptions) { o.layers, o.layerBytes = layers, bytes }
}

// WithDockerMediaTypes gives the image the media types of Docker's schema 2 instead of OCI's.
func WithDockerMediaTypes() ImageOption {
	return func(o *imageOptions) { o.docker = true }
}

// WithProgram gives the image one more layer, with the program as /program, which is what its containers run.
func WithProgram(program []byte) ImageOption {
	return func(o *imageOptions) { o.program = program }
}

// mediaTypes returns those of the manifest, the configuration and the layers.
func (o *imageOptions) mediaTypes() (manifest, config, layer types.MediaType) {
	if o.docker {
		return types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer
	}
	return types.OCIManifestSchema1, types.OCIConfigJSON, types.OCILayer
}

// newImage makes an image whose content depends on the source only.
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

// withPlatform writes the platform into the image's configuration.
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

// Entry is one manifest of an index.
type Entry struct {
	// Platform is the one that the index gives; zero makes an entry without a platform, unknown/unknown an attestation.
	Platform imagepull.Platform
	// Image is the platform in the image's own configuration; zero means linux/amd64.
	Image imagepull.Platform
}

// newIndex makes an index and the images in it.
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

// newAttestation makes an image as BuildKit stores statements about another: one in-toto layer, nothing to run.
func newAttestation(source rand.Source) (v1.Image, error) {
	statement := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v0.1","predicate":{"number":%d}}`, source.Int63())
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.AppendLayers(base, static.NewLayer(statement, "application/vnd.in-toto+json"))
	if err != nil {
		return nil, fmt.Errorf("making an attestation: %w", err)
	}
	return withPlatform(img, imagepull.Platform{OS: "unknown", Architecture: "unknown"})
}

// indexPlatform returns the platform as an index holds it; nil for none.
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

// seeds gives every push content of its own that the next run of the same test pushes again: it depends on the server's
// seed, the reference and how often that was pushed, not on the order in which parallel tests push.
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
	// Writing to a hash never fails.
	_, _ = fmt.Fprintf(h, "%d %d %s", s.seed, s.drawn[ref], ref)
	return rand.NewSource(int64(h.Sum32()))
}
