package imagepull_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestReferencePrefersTheDigest(t *testing.T) {
	t.Parallel()
	const digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	tests := map[string]struct {
		ref                        imagepull.Reference
		repository, object, inFull string
	}{
		"tag": {
			ref:        imagepull.Reference{Domain: "docker.io", Path: "library/nginx", Tag: "latest"},
			repository: "docker.io/library/nginx",
			object:     "latest",
			inFull:     "docker.io/library/nginx:latest",
		},
		"host with a port": {
			ref:        imagepull.Reference{Domain: "registry.example:5000", Path: "shop/web", Tag: "1.2"},
			repository: "registry.example:5000/shop/web",
			object:     "1.2",
			inFull:     "registry.example:5000/shop/web:1.2",
		},
		"digest": {
			ref:        imagepull.Reference{Domain: "registry.example", Path: "web", Digest: digest},
			repository: "registry.example/web",
			object:     digest,
			inFull:     "registry.example/web@" + digest,
		},
		"digest wins over a tag": {
			ref:        imagepull.Reference{Domain: "registry.example", Path: "web", Tag: "1.2", Digest: digest},
			repository: "registry.example/web",
			object:     digest,
			inFull:     "registry.example/web@" + digest,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.ref.Repository(); got != test.repository {
				t.Errorf("Repository() = %q, want %q", got, test.repository)
			}
			if got := test.ref.Object(); got != test.object {
				t.Errorf("Object() = %q, want %q", got, test.object)
			}
			if got := test.ref.String(); got != test.inFull {
				t.Errorf("String() = %q, want %q", got, test.inFull)
			}
		})
	}
}

func TestPlatformStringHasAnOptionalVariant(t *testing.T) {
	t.Parallel()
	tests := map[string]imagepull.Platform{
		"linux/amd64":   {OS: "linux", Architecture: "amd64"},
		"linux/arm/v7":  {OS: "linux", Architecture: "arm", Variant: "v7"},
		"windows/amd64": {OS: "windows", Architecture: "amd64", OSVersion: "10.0.20348.1", OSFeatures: []string{"win32k"}},
	}
	for want, platform := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := platform.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		})
	}
}

func TestKindStringIsItsNameInMessages(t *testing.T) {
	t.Parallel()
	tests := map[string]imagepull.Kind{
		"image":               imagepull.Standalone,
		"container":           imagepull.Container,
		"init container":      imagepull.InitContainer,
		"ephemeral container": imagepull.EphemeralContainer,
		"volume":              imagepull.Volume,
	}
	for want, kind := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := kind.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		})
	}
	if got := imagepull.Kind(99).String(); got != "image" {
		t.Errorf("String() of an unknown kind = %q, want %q", got, "image")
	}
}

func TestIsShortWithoutARegistry(t *testing.T) {
	t.Parallel()
	for image, want := range map[string]bool{
		"nginx":                       true,
		"nginx:1.27":                  true,
		"nginx@sha256:0":              true,
		"library/nginx":               true,
		"Foo/bar":                     true,
		"my_registry.example/web":     true, // not a host in the grammar of CRI-O
		"docker.io/nginx":             false,
		"registry.example/web":        false,
		"registry:5000/web":           false,
		"localhost/web":               false,
		"[::1]:5000/web":              false,
		"registry.example/shop/web:1": false,
	} {
		if got := (imagepull.Use{Image: image}).IsShort(); got != want {
			t.Errorf("%s: got short %v, want %v", image, got, want)
		}
	}
}
