package main

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func TestOwnDockerfileGivesTheImageOfTheManifests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pullgate"), []byte("the program"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "image.tar")
	args := []string{
		"-file", "../../Dockerfile", "-from", dir, "-tag", "localhost/pullgate:test", "-o", out, "-version", "v1.2.3", "-arch", "arm64",
	}
	if err := run(args, t.Output()); err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	const label = "org.opencontainers.image."
	want := v1.Config{
		User: "65532:65532", Entrypoint: []string{"/pullgate"}, Cmd: []string{"serve"},
		Labels: map[string]string{
			label + "title":       "Pullgate",
			label + "description": "A Kubernetes admission webhook that predicts ImagePullBackOff",
			label + "source":      "https://github.com/pullgate/pullgate",
			label + "licenses":    "Apache-2.0",
			label + "version":     "v1.2.3",
		},
	}
	if diff := cmp.Diff(want, file.Config); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if got := file.OS + "/" + file.Architecture; got != "linux/arm64" {
		t.Errorf("the platform is %s", got)
	}
	if diff := cmp.Diff(map[string]string{"pullgate 755 0:0": "the program"}, filesOf(t, image)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
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
		all[fmt.Sprintf("%s %o %d:%d", header.Name, header.Mode, header.Uid, header.Gid)] = string(data)
	}
}

func TestRunFailsWithoutAnArchive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unsupported := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(unsupported, []byte("FROM scratch\nSHELL x"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.tar")
	own := []string{"-tag", "a:1", "-o", out, "-file", "../../Dockerfile", "-from", dir}
	tests := map[string]struct {
		args []string
		want string
	}{
		"missing tag":            {args: []string{"-o", out}, want: "-tag and -o are required"},
		"invalid tag":            {args: []string{"-tag", "A", "-o", out}, want: "parsing the image's name"},
		"missing Dockerfile":     {args: []string{"-tag", "a:1", "-o", out, "-file", dir + "/none"}, want: "reading the Dockerfile"},
		"unsupported Dockerfile": {args: []string{"-tag", "a:1", "-o", out, "-file", unsupported}, want: unsupported + ":2: SHELL"},
		"missing file":           {args: own, want: "packing the files"},
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
