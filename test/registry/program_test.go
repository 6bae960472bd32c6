package registry

import (
	"archive/tar"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestPushProgram(t *testing.T) {
	t.Parallel()
	arm := imagepull.Platform{OS: "linux", Architecture: "arm64"}
	tests := map[string]struct {
		opts     []ImageOption
		platform string
		layer    types.MediaType
	}{
		"default":              {platform: "linux/amd64", layer: types.OCILayer},
		"for another platform": {opts: []ImageOption{WithPlatform(arm)}, platform: "linux/arm64", layer: types.OCILayer},
		"Docker media types":   {opts: []ImageOption{WithDockerMediaTypes()}, platform: "linux/amd64", layer: types.DockerLayer},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s, n := startNamed(t, Config{})
			pushImage(t, s, "shop/web:1", append(tt.opts, WithProgram([]byte("#!program")))...)
			img, err := fetch(t, n, "shop/web:1").Image()
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
			if diff := cmp.Diff([]string{"/program"}, config.Config.Entrypoint); diff != "" {
				t.Errorf("the entrypoint differs (-want +got):\n%s", diff)
			}
			if got := config.Platform().String(); got != tt.platform {
				t.Errorf("got platform %s, want %s", got, tt.platform)
			}
			layers, err := img.Layers()
			if err != nil || len(layers) != 2 {
				t.Fatalf("got %d layers and %v, want 2", len(layers), err)
			}
			if got, err := layers[1].MediaType(); err != nil || got != tt.layer {
				t.Errorf("got a layer of %s and %v, want %s", got, err, tt.layer)
			}
			mode, content := file(t, mutate.Extract(img), "program")
			if mode != 0o755 || content != "#!program" {
				t.Errorf("got %o %q, want the program with mode 755", mode, content)
			}
		})
	}
}

// file returns a file of an image's file system.
func file(t *testing.T, files io.ReadCloser, name string) (mode int64, content string) {
	t.Helper()
	defer files.Close()
	for r := tar.NewReader(files); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatalf("finding %s: %v", name, err)
		}
		if header.Name != name {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("reading %s: %v", name, err)
		}
		return header.Mode, string(data)
	}
}
