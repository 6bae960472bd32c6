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

// The project's own Dockerfile makes the image that the manifests expect.
func TestDockerfile(t *testing.T) {
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

// filesOf returns what the files of an image hold, by name, mode and owner.
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

func TestParse(t *testing.T) {
	t.Parallel()
	const unknown, form = "this program does not know what to do", "not in the form that this program knows"
	tests := map[string]struct {
		text string
		want stage
		err  string
	}{
		"other stages don't count": {
			text: "FROM golang AS build\nRUN make\nFROM scratch\nUSER 1:1\n", want: stage{config: v1.Config{User: "1:1"}},
		},
		"comments, and lines that go on": {
			text: "from scratch\n# a comment\ncopy --from=build \\\n  # another\n  /a /b\n", want: stage{files: []copied{{"/a", "/b"}}},
		},
		"an argument in a label": {
			text: "FROM scratch\nARG VERSION\nLABEL a.b=\"v $VERSION\" c=\"\"",
			want: stage{config: v1.Config{Labels: map[string]string{"a.b": "v 7", "c": ""}}},
		},
		"nothing":                {err: " there is no FROM"},
		"a command":              {text: "FROM scratch\n\nRUN make", err: "3: RUN: " + unknown},
		"a file of the context":  {text: "FROM scratch\nCOPY a /b", err: "2: COPY: " + form},
		"a relative destination": {text: "FROM scratch\nCOPY --from=build /a b", err: "2: COPY: " + form},
		"a label without quotes": {text: "FROM scratch\nLABEL a=b", err: "2: LABEL: " + form},
		"the shell's form":       {text: "FROM scratch\nCMD serve", err: "2: CMD: " + form},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parse(tt.text, map[string]string{"VERSION": "7"})
			if text := errorText(err); text != tt.err {
				t.Fatalf("got error %q, want %q", text, tt.err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(stage{}, copied{})); diff != "" {
				t.Errorf("stage (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	broken := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(broken, []byte("FROM scratch\nSHELL x"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.tar")
	ours := []string{"-tag", "a:1", "-o", out, "-file", "../../Dockerfile", "-from", dir}
	tests := map[string]struct {
		args []string
		want string
	}{
		"no name":         {args: []string{"-o", out}, want: "-tag and -o must be given"},
		"a bad name":      {args: []string{"-tag", "A", "-o", out}, want: "parsing the image's name"},
		"no Dockerfile":   {args: []string{"-tag", "a:1", "-o", out, "-file", dir + "/none"}, want: "reading the Dockerfile"},
		"a broken one":    {args: []string{"-tag", "a:1", "-o", out, "-file", broken}, want: broken + ":2: SHELL"},
		"not built":       {args: ours, want: "packing the files"},
		"an unknown flag": {args: []string{"-x"}, want: "not defined"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if text := errorText(run(tt.args, io.Discard)); !strings.Contains(text, tt.want) {
				t.Errorf("got error %q, want one with %q", text, tt.want)
			}
			if _, err := os.Stat(out); err == nil {
				t.Error("there is an archive")
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
