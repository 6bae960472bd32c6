package main

import (
	"archive/tar"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// ownLabels returns the labels of Pullgate's image.
func ownLabels() map[string]string {
	const label = "org.opencontainers.image."
	return map[string]string{
		label + "title":       "Pullgate",
		label + "description": "A Kubernetes admission webhook that predicts ImagePullBackOff",
		label + "source":      "https://github.com/pullgate/pullgate",
		label + "licenses":    "Apache-2.0",
		label + "version":     "v1.2.3",
	}
}

// buildOwn builds the shipped Dockerfile for two platforms, and returns the path of the layout.
func buildOwn(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-file", "../../Dockerfile", "-tag", "ghcr.io/pullgate/pullgate:v1.2.3", "-version", "v1.2.3", "-o", filepath.Join(dir, "layout")}
	for _, arch := range []string{"amd64", "arm64"} {
		writeProgram(t, filepath.Join(dir, arch), "the program for "+arch)
		args = append(args, "-from", "linux/"+arch+"="+filepath.Join(dir, arch))
	}
	if err := run(args, t.Output()); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "layout")
}

func writeProgram(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "pullgate"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// openIndex returns the only image index of a layout, and its descriptor.
func openIndex(t *testing.T, dir string) (v1.ImageIndex, v1.Descriptor) {
	t.Helper()
	outer, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := outer.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout has %d entries, want 1", len(manifest.Manifests))
	}
	index, err := outer.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index, manifest.Manifests[0]
}

func TestIndexHasAnImageForEachPlatform(t *testing.T) {
	t.Parallel()
	index, descriptor := openIndex(t, buildOwn(t))
	if err := validate.Index(index); err != nil {
		t.Fatalf("the index is not valid: %v", err)
	}
	names := map[string]string{
		"io.containerd.image.name": "ghcr.io/pullgate/pullgate:v1.2.3", "org.opencontainers.image.ref.name": "v1.2.3",
	}
	if diff := cmp.Diff(names, descriptor.Annotations); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ownLabels(), manifest.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
		if want := "application/vnd.oci.image.manifest.v1+json"; string(m.MediaType) != want {
			t.Errorf("%s has the media type %s, want %s", m.Platform, m.MediaType, want)
		}
	}
	if want := []string{"linux/amd64", "linux/arm64"}; !slices.Equal(platforms, want) {
		t.Errorf("the platforms are %v, want %v", platforms, want)
	}
}

func TestOwnDockerfileGivesTheImageOfTheManifests(t *testing.T) {
	t.Parallel()
	index, _ := openIndex(t, buildOwn(t))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range manifest.Manifests {
		t.Run(m.Platform.Architecture, func(t *testing.T) {
			t.Parallel()
			image, err := index.Image(m.Digest)
			if err != nil {
				t.Fatal(err)
			}
			file, err := image.ConfigFile()
			if err != nil {
				t.Fatal(err)
			}
			want := v1.Config{User: "65532:65532", Entrypoint: []string{"/pullgate"}, Cmd: []string{"serve"}, Labels: ownLabels()}
			if diff := cmp.Diff(want, file.Config); diff != "" {
				t.Errorf("configuration (-want +got):\n%s", diff)
			}
			if got := file.Platform().String(); got != m.Platform.String() {
				t.Errorf("the platform is %s, want %s", got, m.Platform)
			}
			files := filesOf(t, image)
			program := files["pullgate 755 0"]
			if want := "the program for " + m.Platform.Architecture; program != want {
				t.Errorf("the program is %q, want %q", program, want)
			}
		})
	}
}

// The Dockerfile starts from a distroless image, which also has time zones and the names of its packages.
func TestBaseHasTheFilesOfADistrolessImageThatPullgateUses(t *testing.T) {
	t.Parallel()
	index, _ := openIndex(t, buildOwn(t))
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	files := filesOf(t, image)
	const roots = "etc/ssl/certs/ca-certificates.crt 644 0"
	if count := certificates(t, files[roots]); count < 100 {
		t.Errorf("there are %d root certificates, want at least 100", count)
	}
	if want := "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"; !strings.Contains(files["etc/passwd 644 0"], want) {
		t.Errorf("/etc/passwd has no line %q", want)
	}
	var names []string
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{
		"etc/ 755 0", "etc/group 644 0", "etc/passwd 644 0", "etc/ssl/ 755 0", "etc/ssl/certs/ 755 0", roots,
		"home/ 755 0", "home/nonroot/ 700 65532", "pullgate 755 0", "tmp/ 1777 0",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// certificates returns the number of certificates that a Go program reads from the file.
func certificates(t *testing.T, text string) int {
	t.Helper()
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(text)) {
		t.Fatal("no certificate was read")
	}
	return strings.Count(text, "-----BEGIN CERTIFICATE-----")
}

// filesOf returns the contents of an image's files by name, mode and owner.
func filesOf(t *testing.T, image v1.Image) map[string]string {
	t.Helper()
	archive := mutate.Extract(image)
	defer archive.Close()
	all := map[string]string{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name := header.Name
		if header.Typeflag == tar.TypeDir {
			name = strings.TrimSuffix(name, "/") + "/"
		}
		all[fmt.Sprintf("%s %o %d", name, header.Mode, header.Uid)] = string(data)
	}
}

func TestTwoBuildsHaveTheSameBytes(t *testing.T) {
	t.Parallel()
	first, second := sums(t, buildOwn(t)), sums(t, buildOwn(t))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second layout differs (-first +second):\n%s", diff)
	}
	// index.json, oci-layout, an index, and for each platform a manifest, a configuration and a program, with one base.
	if want := 10; len(first) != want {
		t.Errorf("the layout has %d files, want %d", len(first), want)
	}
}

// sums returns the checksums of all files in a directory.
func sums(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := readFiles(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		if !strings.HasSuffix(f.name, "/") {
			all[f.name] = fmt.Sprintf("%x", sha256.Sum256(f.data))
		}
	}
	return all
}

func TestArchiveHasTheLayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeProgram(t, dir, "the program")
	out := filepath.Join(dir, "image.tar")
	args := []string{"-file", "../../Dockerfile", "-from", "linux/amd64=" + dir, "-tag", "localhost/pullgate:e2e"}
	if err := run(append(args, "-o", out), t.Output()); err != nil {
		t.Fatal(err)
	}
	if err := run(append(args, "-o", filepath.Join(dir, "layout")), t.Output()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(sums(t, filepath.Join(dir, "layout")), sumsOfArchive(t, out)); diff != "" {
		t.Errorf("files (-layout +archive):\n%s", diff)
	}
}

// sumsOfArchive returns the checksums of all files in an archive.
func sumsOfArchive(t *testing.T, name string) map[string]string {
	t.Helper()
	archive, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	all := map[string]string{}
	for r := tar.NewReader(archive); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag == tar.TypeDir {
			continue
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, r); err != nil {
			t.Fatal(err)
		}
		all[header.Name] = fmt.Sprintf("%x", sum.Sum(nil))
	}
}

func TestRunFailsWithoutALayout(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unsupported := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(unsupported, []byte("FROM scratch\nSHELL x"), 0o600); err != nil {
		t.Fatal(err)
	}
	existing := filepath.Join(dir, "existing")
	writeProgram(t, existing, "the program")
	out := filepath.Join(dir, "out.tar")
	from := []string{"-from", dir}
	own := []string{"-tag", "a:1", "-file", "../../Dockerfile"}
	tests := map[string]struct {
		args []string
		want string
	}{
		"missing tag":            {args: []string{"-o", out, "-from", dir}, want: "-tag, -from and -o are required"},
		"missing directory":      {args: []string{"-o", out, "-tag", "a:1"}, want: "-tag, -from and -o are required"},
		"invalid tag":            {args: append([]string{"-tag", "A", "-o", out}, from...), want: "parsing the image's name"},
		"invalid platform":       {args: []string{"-from", "linux=" + dir}, want: "use OS/ARCH=DIR"},
		"missing Dockerfile":     {args: append([]string{"-tag", "a:1", "-o", out, "-file", dir + "/none"}, from...), want: "reading the Dockerfile"},
		"unsupported Dockerfile": {args: append([]string{"-tag", "a:1", "-o", out, "-file", unsupported}, from...), want: unsupported + ":2: SHELL"},
		"missing file":           {args: append([]string{"-o", out, "-from", dir}, own...), want: "reading the files"},
		"existing directory":     {args: append([]string{"-o", existing, "-from", existing}, own...), want: "file exists"},
		"an unknown flag":        {args: []string{"-x"}, want: "not defined"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text := errorText(run(tt.args, io.Discard)); !strings.Contains(text, tt.want) {
				t.Errorf("got error %q, want one with %q", text, tt.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("an archive was written")
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
