package registry

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fetch gets registry.example/ref with a client library.
func fetch(t *testing.T, n *Network, ref string) *remote.Descriptor {
	t.Helper()
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	parsed, err := name.ParseReference("registry.example/" + ref)
	if err != nil {
		t.Fatalf("ParseReference: %v", err)
	}
	desc, err := remote.Get(parsed, remote.WithTransport(transport), remote.WithContext(t.Context()))
	if err != nil {
		t.Fatalf("Get(%q): %v", ref, err)
	}
	return desc
}

func TestPushImage(t *testing.T) {
	t.Parallel()
	arm := imagepull.Platform{OS: "linux", Architecture: "arm64", Variant: "v8"}
	windows := imagepull.Platform{
		OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1", OSFeatures: []string{"win32k"},
	}
	tests := map[string]struct {
		opts     []ImageOption
		platform string
		layers   int
		manifest types.MediaType
		layer    types.MediaType
	}{
		"default": {
			platform: "linux/amd64", layers: 1, manifest: types.OCIManifestSchema1, layer: types.OCILayer,
		},
		"for another platform": {
			opts: []ImageOption{WithPlatform(arm)}, platform: "linux/arm64/v8", layers: 1,
			manifest: types.OCIManifestSchema1, layer: types.OCILayer,
		},
		"for a Windows version": {
			opts: []ImageOption{WithPlatform(windows)}, platform: "windows/amd64:10.0.20348.1", layers: 1,
			manifest: types.OCIManifestSchema1, layer: types.OCILayer,
		},
		"Docker media types and three layers": {
			opts: []ImageOption{WithDockerMediaTypes(), WithLayers(3, 1024)}, platform: "linux/amd64", layers: 3,
			manifest: types.DockerManifestSchema2, layer: types.DockerLayer,
		},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, n := startNamed(t, Config{})
			digest := pushImage(t, s, "shop/web:1", tt.opts...)
			desc := fetch(t, n, "shop/web:1")
			if desc.Digest.String() != digest || desc.MediaType != tt.manifest {
				t.Errorf("got %s %s, want %s %s", desc.MediaType, desc.Digest, tt.manifest, digest)
			}
			img, err := desc.Image()
			if err != nil {
				t.Fatalf("Image: %v", err)
			}
			if err := validate.Image(img); err != nil {
				t.Errorf("the image is not valid: %v", err)
			}
			config, err := img.ConfigFile()
			if err != nil {
				t.Fatalf("ConfigFile: %v", err)
			}
			if got := config.Platform().String(); got != tt.platform {
				t.Errorf("got platform %s, want %s", got, tt.platform)
			}
			layers, err := img.Layers()
			if err != nil || len(layers) != tt.layers {
				t.Fatalf("got %d layers, %v, want %d", len(layers), err, tt.layers)
			}
			if got, err := layers[0].MediaType(); err != nil || got != tt.layer {
				t.Errorf("got layer %s, %v, want %s", got, err, tt.layer)
			}
		})
	}
}

func TestContentIsRandomAndReproducible(t *testing.T) {
	t.Parallel()
	one, same, other := start(t, Config{Seed: 1}), start(t, Config{Seed: 1}), start(t, Config{Seed: 2})
	first := pushImage(t, one, "shop/web:1")
	if got := pushImage(t, same, "shop/web:1"); got != first {
		t.Errorf("the same seed and reference: got %s, want %s", got, first)
	}
	for title, got := range map[string]string{
		"another seed":      pushImage(t, other, "shop/web:1"),
		"another reference": pushImage(t, one, "shop/web:2"),
		"another push":      pushImage(t, one, "shop/web:1"),
	} {
		if got == first {
			t.Errorf("%s: got the same image", title)
		}
	}
}

func TestPushIndex(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	digest, err := s.PushIndex("shop/multi:v1",
		imagepull.Platform{OS: "linux", Architecture: "amd64"},
		imagepull.Platform{OS: "linux", Architecture: "arm", Variant: "v7"},
		imagepull.Platform{},
		imagepull.Platform{OS: "unknown", Architecture: "unknown"},
	)
	if err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	desc := fetch(t, n, "shop/multi:v1")
	if desc.Digest.String() != digest || desc.MediaType != types.OCIImageIndex {
		t.Errorf("got %s %s, want an index %s", desc.MediaType, desc.Digest, digest)
	}
	index, err := desc.ImageIndex()
	if err != nil {
		t.Fatalf("ImageIndex: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatalf("IndexManifest: %v", err)
	}
	var got []string
	for _, entry := range manifest.Manifests {
		platform := "none"
		if entry.Platform != nil {
			platform = entry.Platform.String()
		}
		got = append(got, platform+" "+entry.Annotations["vnd.docker.reference.type"])
	}
	for _, entry := range manifest.Manifests[:3] { // the library does not count the layer of an attestation
		img, err := index.Image(entry.Digest)
		if err != nil {
			t.Fatalf("Image: %v", err)
		}
		if err := validate.Image(img); err != nil {
			t.Errorf("image %s is not valid: %v", entry.Digest, err)
		}
	}
	want := []string{"linux/amd64 ", "linux/arm/v7 ", "none ", "unknown/unknown attestation-manifest"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

func TestPushEntriesWithOtherImagePlatforms(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	_, err := s.PushEntries("shop/multi:v1",
		Entry{Platform: imagepull.Platform{OS: "linux", Architecture: "amd64"}},
		Entry{Image: imagepull.Platform{OS: "linux", Architecture: "s390x"}},
	)
	if err != nil {
		t.Fatalf("PushEntries: %v", err)
	}
	index, err := fetch(t, n, "shop/multi:v1").ImageIndex()
	if err != nil {
		t.Fatalf("ImageIndex: %v", err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatalf("IndexManifest: %v", err)
	}
	for i, want := range []string{"linux/amd64", "linux/s390x"} {
		img, err := index.Image(manifest.Manifests[i].Digest)
		if err != nil {
			t.Fatalf("Image: %v", err)
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatalf("ConfigFile: %v", err)
		}
		if got := config.Platform().String(); got != want {
			t.Errorf("entry %d: got an image for %s, want %s", i, got, want)
		}
	}
}

func TestPushManifest(t *testing.T) {
	t.Parallel()
	missing := `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",` +
		`"digest":"sha256:` + strings.Repeat("1", 64) + `","size":7}]}`
	tests := map[string]struct {
		mediaType string
		body      string
		want      []string
	}{
		"schema 1":                    {mediaType: string(types.DockerManifestSchema1Signed), body: "{}", want: []string{string(types.DockerManifestSchema1Signed)}},
		"a web page":                  {mediaType: "text/html; charset=utf-8", body: "<html>", want: []string{"text/html; charset=utf-8"}},
		"no media type":               {body: "{}"},
		"an index of a missing image": {mediaType: string(types.OCIImageIndex), body: missing, want: []string{string(types.OCIImageIndex)}},
		"an empty body":               {mediaType: string(types.OCIManifestSchema1), want: []string{string(types.OCIManifestSchema1)}},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			digest, err := s.PushManifest("shop/web:1", tt.mediaType, []byte(tt.body))
			if err != nil {
				t.Fatalf("PushManifest: %v", err)
			}
			if want := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(tt.body))); digest != want {
				t.Errorf("got digest %s, want %s", digest, want)
			}
			for _, object := range []string{"1", digest} {
				resp := send(t, s, request{path: "/v2/shop/web/manifests/" + object})
				resp.wantStatus(t, http.StatusOK, "")
				if diff := cmp.Diff(tt.want, resp.Header["Content-Type"]); diff != "" || resp.body != tt.body {
					t.Errorf("got body %q, content type (-want +got):\n%s", resp.body, diff)
				}
			}
		})
	}
}

func TestPushManifestUnderAWrongDigest(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	claimed := "sha256:" + strings.Repeat("2", 64)
	digest, err := s.PushManifest("shop/web@"+claimed, string(types.OCIManifestSchema1), []byte("{}"))
	if err != nil {
		t.Fatalf("PushManifest: %v", err)
	}
	if digest == claimed {
		t.Errorf("got the claimed digest %s, want the true one", digest)
	}
	send(t, s, request{path: "/v2/shop/web/manifests/" + claimed}).wantStatus(t, http.StatusOK, "")
}
