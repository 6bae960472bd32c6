package podspec

import (
	"errors"
	"strings"
	"testing"

	"github.com/distribution/reference"
	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	hex64   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	digest  = "sha256:" + hex64
	digest5 = "sha512:" + hex64 + hex64
)

// validImages maps images that the kubelet parses to containerd's references.
var validImages = map[string]imagepull.Reference{
	"nginx":                                 {Domain: "docker.io", Path: "library/nginx", Tag: "latest"},
	"nginx:1.27":                            {Domain: "docker.io", Path: "library/nginx", Tag: "1.27"},
	"nginx:latest":                          {Domain: "docker.io", Path: "library/nginx", Tag: "latest"},
	"shop/web":                              {Domain: "docker.io", Path: "shop/web", Tag: "latest"},
	"docker.io/nginx":                       {Domain: "docker.io", Path: "library/nginx", Tag: "latest"},
	"index.docker.io/nginx":                 {Domain: "docker.io", Path: "library/nginx", Tag: "latest"},
	"index.docker.io/shop/web:2":            {Domain: "docker.io", Path: "shop/web", Tag: "2"},
	"registry-1.docker.io/nginx":            {Domain: "registry-1.docker.io", Path: "nginx", Tag: "latest"},
	"registry.example/a/b/c:v1":             {Domain: "registry.example", Path: "a/b/c", Tag: "v1"},
	"registry.example:5000/web":             {Domain: "registry.example:5000", Path: "web", Tag: "latest"},
	"registry.example:443/web":              {Domain: "registry.example:443", Path: "web", Tag: "latest"},
	"registry:5000/web:1":                   {Domain: "registry:5000", Path: "web", Tag: "1"},
	"localhost/web":                         {Domain: "localhost", Path: "web", Tag: "latest"},
	"localhost:5000/web":                    {Domain: "localhost:5000", Path: "web", Tag: "latest"},
	"127.0.0.1:5000/web":                    {Domain: "127.0.0.1:5000", Path: "web", Tag: "latest"},
	"[2001:db8::1]:5000/web:1":              {Domain: "[2001:db8::1]:5000", Path: "web", Tag: "1"},
	"web@" + digest:                         {Domain: "docker.io", Path: "library/web", Digest: digest},
	"web@" + digest5:                        {Domain: "docker.io", Path: "library/web", Digest: digest5},
	"registry.example/web:gone@" + digest:   {Domain: "registry.example", Path: "web", Digest: digest},
	"registry.example:5000/web@" + digest:   {Domain: "registry.example:5000", Path: "web", Digest: digest},
	"web:" + strings.Repeat("t", 128):       {Domain: "docker.io", Path: "library/web", Tag: strings.Repeat("t", 128)},
	"web:UPPER_case.1-x":                    {Domain: "docker.io", Path: "library/web", Tag: "UPPER_case.1-x"},
	"r.example/" + strings.Repeat("a", 255): {Domain: "r.example", Path: strings.Repeat("a", 255), Tag: "latest"},

	// An upper-case first component is a host.
	"Foo/bar":         {Domain: "Foo", Path: "bar", Tag: "latest"},
	"Docker.io/nginx": {Domain: "Docker.io", Path: "nginx", Tag: "latest"},
	// A host alone is a repository with a tag.
	"registry.example":      {Domain: "docker.io", Path: "library/registry.example", Tag: "latest"},
	"registry.example:5000": {Domain: "docker.io", Path: "library/registry.example", Tag: "5000"},
	// Only a name that consists of 64 hexadecimal digits is invalid.
	hex64 + ":1":          {Domain: "docker.io", Path: "library/" + hex64, Tag: "1"},
	"docker.io/" + hex64:  {Domain: "docker.io", Path: "library/" + hex64, Tag: "latest"},
	"shop/" + hex64:       {Domain: "docker.io", Path: "shop/" + hex64, Tag: "latest"},
	"sha256:" + hex64:     {Domain: "docker.io", Path: "library/sha256", Tag: hex64},
	hex64[1:]:             {Domain: "docker.io", Path: "library/" + hex64[1:], Tag: "latest"},
	"my_registry.local/x": {Domain: "my_registry.local", Path: "x", Tag: "latest"},
}

// invalidImages maps images for which the kubelet reports InvalidImageName to their causes.
var invalidImages = map[string]nameError{
	"":           errNameEmpty,
	" ":          errNameEmpty,
	":1":         errNameEmpty,
	"@" + digest: errNameEmpty,

	" nginx":   errNameWhiteSpace,
	"nginx\n":  errNameWhiteSpace,
	"nginx:1 ": errNameWhiteSpace,
	"\tnginx":  errNameWhiteSpace,

	"https://registry.example/web:1": errNameScheme,
	"http://registry.example/web":    errNameScheme,
	"docker://nginx":                 errNameScheme,

	hex64: errNameIdentifier,

	"r.example/" + strings.Repeat("a", 256): errNameTooLong,
	strings.Repeat("a", 248):                errNameTooLong,

	"Foo":                       errNameUpperCase,
	"foo/Bar":                   errNameUpperCase,
	"registry.example/Web:1":    errNameUpperCase,
	"registry.example:5000/WEB": errNameUpperCase,
	"Foo@" + digest:             errNameUpperCase,

	"nginx:":                            errTagFormat,
	"registry.example:5000/web:":        errTagFormat,
	"nginx:-1":                          errTagFormat,
	"nginx:a:b":                         errTagFormat,
	"nginx:a b":                         errTagFormat,
	"nginx:" + strings.Repeat("t", 129): errTagFormat,
	"nginx:@" + digest:                  errTagFormat,
	"registry.example/web:latést":       errTagFormat,

	"x@":                                 errDigestFormat,
	"x@sha256":                           errDigestFormat,
	"x@sha256:":                          errDigestFormat,
	"x@sha256:00":                        errDigestFormat,
	"x@:" + hex64:                        errDigestFormat,
	"x@sha256:" + hex64[1:]:              errDigestFormat,
	"x@sha256:" + strings.ToUpper(hex64): errDigestFormat,
	"x@sha512:" + hex64:                  errDigestFormat,
	"x@" + digest + "@" + digest:         errDigestFormat,

	"x@md5:":                               errDigestAlgorithms,
	"x@md5:" + hex64[:32]:                  errDigestAlgorithms,
	"x@SHA256:" + hex64:                    errDigestAlgorithms,
	"registry.example/x:1@blake3:" + hex64: errDigestAlgorithms,

	"/nginx":                            errNameFormat,
	"nginx/":                            errNameFormat,
	"a//b":                              errNameFormat,
	"registry.example/../x":             errNameFormat,
	"registry.example/a b":              errNameFormat,
	"registry.example/.x":               errNameFormat,
	"my_registry:5000/x":                errNameFormat,
	"registry:port/x":                   errNameFormat,
	"r.example/x://y":                   errNameFormat,
	"nginx\x001":                        errNameFormat,
	"ngïnx":                             errNameFormat,
	"\xff\xfe":                          errNameFormat,
	strings.ToUpper(hex64)[:10] + "_-x": errNameFormat,
}

func TestParseReferenceNormalises(t *testing.T) {
	t.Parallel()
	for image, want := range validImages {
		t.Run(image, func(t *testing.T) {
			t.Parallel()
			got, err := ParseReference(image)
			if err != nil {
				t.Fatalf("ParseReference: %v", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("ParseReference (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseReferenceNamesTheCause(t *testing.T) {
	t.Parallel()
	for image, want := range invalidImages {
		t.Run(image, func(t *testing.T) {
			t.Parallel()
			got, err := ParseReference(image)
			if !errors.Is(err, want) {
				t.Errorf("ParseReference: got error %v, want %v", err, want)
			}
			if diff := cmp.Diff(imagepull.Reference{}, got); diff != "" {
				t.Errorf("ParseReference with an error (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseReferenceOfHugeImages checks that a long image costs little time and is not quoted.
func TestParseReferenceOfHugeImages(t *testing.T) {
	t.Parallel()
	const length = maxImage - 16
	tests := map[string]struct {
		image string
		want  nameError
	}{
		"path":   {strings.Repeat("a", length), errNameTooLong},
		"tag":    {"x:" + strings.Repeat("a", length), errTagFormat},
		"digest": {"x@sha256:" + strings.Repeat("a", length), errDigestFormat},
		"slash":  {strings.Repeat("/", length), errNameFormat},
		"at":     {strings.Repeat("@", length), errDigestFormat},
		"host":   {strings.Repeat("a", maxImage) + ".example/x", errImageTooLong},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ParseReference(test.image); !errors.Is(err, test.want) {
				t.Errorf("ParseReference: got error %.80v, want %v", err, test.want)
			}
		})
	}
}

// TestParseReferenceAgreesWithNodes compares every case with the two functions that parse it on a node.
func TestParseReferenceAgreesWithNodes(t *testing.T) {
	t.Parallel()
	for image := range validImages {
		checkAgreement(t, image)
	}
	for image := range invalidImages {
		checkAgreement(t, image)
	}
}

func FuzzParseReference(f *testing.F) {
	for image := range validImages {
		f.Add(image)
	}
	for image := range invalidImages {
		f.Add(image)
	}
	f.Fuzz(checkAgreement)
}

func checkAgreement(t *testing.T, image string) {
	t.Helper()
	if len(image) > maxImage {
		return
	}
	want, wantErr := referenceOnNode(image)
	got, err := ParseReference(image)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("ParseReference(%q): got error %v, the node has %v", image, err, wantErr)
	}
	if err != nil {
		if explained := nameError(""); !errors.As(err, &explained) {
			t.Errorf("ParseReference(%q): got error %v of type %T, want a nameError", image, err, err)
		}
		return
	}
	if got.String() != want {
		t.Errorf("ParseReference(%q): got %s, the node uses %s", image, got, want)
	}
	again, err := ParseReference(got.String())
	if diff := cmp.Diff(got, again); err != nil || diff != "" {
		t.Errorf("ParseReference(%q) of its own result: error %v, (-want +got):\n%s", got, err, diff)
	}
}

// referenceOnNode parses an image like a node: the kubelet parses it and appends the default tag to the string (pkg/kubelet/images,
// applyDefaultImageTag); containerd parses the string again (internal/cri/server/images, PullImage).
func referenceOnNode(image string) (string, error) {
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return "", err
	}
	if reference.IsNameOnly(named) && !strings.HasSuffix(image, ":latest") {
		image += ":latest"
	}
	parsed, err := reference.ParseDockerRef(image)
	if err != nil {
		return "", err
	}
	return parsed.String(), nil
}
