package containerd_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// TestPlatforms lets one node pull an index and compares the result with the predicted fit.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	counts := map[string]int{}
	for seed := range uint64(rounds) {
		r := rand.New(rand.NewPCG(seed, 2))
		node, entries := drawNode(r), drawEntries(r)
		pulls, err := pullIndex(t.Context(), node, entries)
		if err != nil {
			t.Fatalf("{seed: %d}: %v", seed, err)
		}
		fit, _ := nodes.Declared{toImagepull(node)}.Candidates(nil).Serve(offered(entries))
		if !agree(fit, pulls) {
			t.Errorf("{seed: %d, node: %q, entries: %+v}: the node pulls: %t, predicted fit: %d", seed, platforms.FormatAll(node), entries, pulls, fit)
		}
		counts[fmt.Sprintf("fit %d", fit)]++
	}
	wantVariety(t, counts)
}

// agree reports whether the fit predicted the pull. An unknown fit agrees with every result.
func agree(fit nodes.Fit, pulls bool) bool {
	switch fit {
	case nodes.All:
		return pulls
	case nodes.None:
		return !pulls
	case nodes.Unknown:
		return true
	case nodes.Some: // one node cannot have a partial fit
	}
	return false
}

// entry is an entry of an index. named is the platform in the index, or nil. inside is the platform in the image's
// configuration.
type entry struct {
	named  *ocispec.Platform
	inside ocispec.Platform
}

func (e entry) String() string {
	if e.named == nil {
		return "unnamed " + platforms.FormatAll(e.inside)
	}
	return platforms.FormatAll(*e.named)
}

// drawNode returns a random platform of a node, in containerd's form.
func drawNode(r *rand.Rand) ocispec.Platform {
	choices := []ocispec.Platform{
		{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "arm", Variant: "v7"},
		{OS: "linux", Architecture: "arm", Variant: "v6"}, {OS: "linux", Architecture: "386"}, {OS: "linux", Architecture: "s390x"},
		{OS: "linux", Architecture: "ppc64le"}, {OS: "linux", Architecture: "riscv64"},
		{OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348"}, {OS: "windows", Architecture: "amd64", OSVersion: "10.0.26100"},
	}
	return choices[r.IntN(len(choices))]
}

func drawEntries(r *rand.Rand) []entry {
	var entries []entry
	for range r.IntN(5) {
		e := entry{inside: drawPlatform(r)}
		if r.IntN(6) > 0 {
			p := drawPlatform(r)
			e.named = &p
		}
		entries = append(entries, e)
	}
	return entries
}

func drawPlatform(r *rand.Rand) ocispec.Platform {
	of := func(choices ...string) string { return choices[r.IntN(len(choices))] }
	p := ocispec.Platform{
		OS:           of("linux", "linux", "linux", "linux", "windows", "unknown", "Linux", "darwin", "macos"),
		Architecture: of("amd64", "amd64", "arm64", "x86_64", "x86-64", "arm64", "aarch64", "arm", "armhf", "armel", "386", "i386", "s390x", "ppc64le", "riscv64", "unknown"),
		Variant:      of("", "", "", "", "v1", "v2", "v3", "v5", "v6", "v7", "v8", "8", "7", "v8.1", "v9"),
	}
	if p.OS == "windows" {
		p.OSVersion = of("", "10.0.20348", "10.0.20348.1", "10.0.26100", "10.0.17763", "nonsense")
	}
	if r.IntN(8) == 0 {
		p.OSFeatures = []string{of("win32k", "other")}
	}
	return p
}

func toImagepull(p ocispec.Platform) imagepull.Platform {
	return imagepull.Platform{
		OS: p.OS, Architecture: p.Architecture, Variant: p.Variant, OSVersion: p.OSVersion, OSFeatures: p.OSFeatures,
	}
}

func offered(entries []entry) []imagepull.Platform {
	var list []imagepull.Platform
	for _, e := range entries {
		if e.named == nil {
			list = append(list, imagepull.Platform{})
		} else {
			list = append(list, toImagepull(*e.named))
		}
	}
	return list
}

// pullIndex does the same as a transfer pull of an index. It fetches the children that match the node exactly, then selects
// one that the node can run (core/transfer/image/imagestore.go, ImageFilter; core/images/image.go, Manifest).
func pullIndex(ctx context.Context, node ocispec.Platform, entries []entry) (bool, error) {
	registry, local := store{}, store{}
	index, err := registry.addIndex(entries)
	if err != nil {
		return false, err
	}
	fetch := images.HandlerFunc(func(_ context.Context, d ocispec.Descriptor) ([]ocispec.Descriptor, error) {
		local[d.Digest] = registry[d.Digest]
		return nil, nil
	})
	children := images.FilterPlatforms(images.ChildrenHandler(local), platforms.Ordered(node))
	if err := images.Walk(ctx, images.Handlers(fetch, children), index); err != nil {
		return false, err
	}
	_, err = images.Manifest(ctx, local, index, platforms.Only(node))
	if errdefs.IsNotFound(err) {
		return false, nil
	}
	return err == nil, err
}

// store maps digests to content.
type store map[digest.Digest][]byte

func (s store) add(mediaType string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	s[d.Digest] = data
	return d, nil
}

func (s store) addIndex(entries []entry) (ocispec.Descriptor, error) {
	index := ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
	for i, e := range entries {
		c, err := s.add(ocispec.MediaTypeImageConfig, ocispec.Image{Platform: e.inside, Author: fmt.Sprint(i)})
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		m, err := s.add(ocispec.MediaTypeImageManifest, ocispec.Manifest{
			Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: c,
		})
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		m.Platform = e.named
		index.Manifests = append(index.Manifests, m)
	}
	return s.add(ocispec.MediaTypeImageIndex, index)
}

// ReaderAt implements content.Provider.
func (s store) ReaderAt(_ context.Context, d ocispec.Descriptor) (content.ReaderAt, error) {
	data, ok := s[d.Digest]
	if !ok {
		return nil, errdefs.ErrNotFound
	}
	return blob(data), nil
}

type blob []byte

func (b blob) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// Close implements io.Closer.
func (blob) Close() error { return nil }

// Size implements content.ReaderAt.
func (b blob) Size() int64 { return int64(len(b)) }
