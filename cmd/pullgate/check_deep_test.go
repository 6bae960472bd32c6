package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// openArchive is a shop whose images have manifests and not always what these refer to.
func openArchive(t *testing.T) shop {
	t.Helper()
	server, err := registry.Start(registry.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	s := shop{dir: t.TempDir(), host: server.Addr()}
	if s.digest, err = server.PushImage("shop/web:1.27"); err != nil {
		t.Fatal(err)
	}
	arm := imagepull.Platform{OS: "linux", Architecture: "arm64"}
	if _, err := server.PushImage("shop/arm:1", registry.WithPlatform(arm)); err != nil {
		t.Fatal(err)
	}
	if _, err := server.PushImage("shop/lost:1"); err != nil {
		t.Fatal(err)
	}
	if err := server.DeleteBlobs("shop/lost:1"); err != nil {
		t.Fatal(err)
	}
	const config = "apiVersion: pullgate.dev/v1alpha1\nkind: Configuration\negress: {allow: [HOST]}\n"
	s.write(t, "config.yaml", config)
	s.write(t, "deep.yaml", config+"deep: true\n")
	return s
}

func TestCheckDeep(t *testing.T) {
	t.Parallel()
	s := openArchive(t)
	tests := map[string]struct {
		args       []string
		wantStatus int
		wantOut    string
	}{
		"a whole image":            {[]string{"HOST/shop/web:1.27", "--deep"}, 0, "Pullable"},
		"a lost part":              {[]string{"HOST/shop/lost:1", "--deep"}, 1, "BlobMissing: the registry has lost the configuration"},
		"not looked for":           {[]string{"HOST/shop/lost:1"}, 0, "Pullable"},
		"by the configuration":     {[]string{"HOST/shop/lost:1", "--config", "DIR/deep.yaml"}, 1, "BlobMissing"},
		"not by the configuration": {[]string{"HOST/shop/lost:1", "--config", "DIR/deep.yaml", "--deep=false"}, 0, "Pullable"},
		"for another processor": {
			[]string{"HOST/shop/arm:1", "--deep", "--platform", "linux/amd64"}, 0,
			"WrongArchitecture: built for linux/arm64, the nodes are linux/amd64: exec format error",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := s.check(t, "", tt.args...)
			if status != tt.wantStatus || !strings.Contains(stdout, tt.wantOut) || stderr != "" {
				t.Errorf("status %d, stdout:\n%s\nstderr:\n%s\nwant status %d and %q", status, stdout, stderr, tt.wantStatus, tt.wantOut)
			}
		})
	}
}

func TestCheckDeepJSON(t *testing.T) {
	t.Parallel()
	s := openArchive(t)
	status, stdout, _ := s.check(t, "", "HOST/shop/lost:1", "HOST/shop/arm:1", "--deep", "--platform", "linux/amd64", "-o", "json")
	if status != exitUnpullable {
		t.Errorf("status %d, want %d", status, exitUnpullable)
	}
	var report struct {
		Findings []struct {
			Reason, Message string
			Warnings        []map[string]string `json:"advice"`
		}
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	lost, arm := report.Findings[0], report.Findings[1]
	if lost.Reason != "BlobMissing" || lost.Message != "the registry has lost the configuration" {
		t.Errorf("got %s: %s, want BlobMissing", lost.Reason, lost.Message)
	}
	want := []map[string]string{{
		"reason":  "WrongArchitecture",
		"message": "built for linux/arm64, the nodes are linux/amd64: exec format error",
	}}
	if diff := cmp.Diff(want, arm.Warnings); diff != "" || arm.Reason != "Pullable" {
		t.Errorf("got %s; warnings differ (-want +got):\n%s", arm.Reason, diff)
	}
}
