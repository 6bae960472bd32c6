package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDeepCheckFindsMissingBlobs(t *testing.T) {
	t.Parallel()
	f := newDeepFixture(t)
	tests := map[string]struct {
		args       []string
		wantStatus int
		wantOut    string
	}{
		"a complete image":                           {[]string{"HOST/shop/web:1.27", "--deep"}, 0, "Pullable"},
		"a missing blob":                             {[]string{"HOST/shop/lost:1", "--deep"}, 1, "BlobMissing: the registry has lost the configuration"},
		"a missing blob, not deep":                   {[]string{"HOST/shop/lost:1"}, 0, "Pullable"},
		"deep in the configuration":                  {[]string{"HOST/shop/lost:1", "--config", "DIR/deep.yaml"}, 1, "BlobMissing"},
		"deep in the configuration, not in the flag": {[]string{"HOST/shop/lost:1", "--config", "DIR/deep.yaml", "--deep=false"}, 0, "Pullable"},
		"another architecture": {
			[]string{"HOST/shop/arm:1", "--deep", "--platform", "linux/amd64"}, 0,
			"WrongArchitecture: built for linux/arm64, the nodes are linux/amd64: exec format error",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := f.check(t, "", tt.args...)
			if status != tt.wantStatus || !strings.Contains(stdout, tt.wantOut) || stderr != "" {
				t.Errorf("status %d, stdout:\n%s\nstderr:\n%s\nwant status %d and %q", status, stdout, stderr, tt.wantStatus, tt.wantOut)
			}
		})
	}
}

func TestDeepCheckJSONHasWarnings(t *testing.T) {
	t.Parallel()
	f := newDeepFixture(t)
	status, stdout, _ := f.check(t, "", "HOST/shop/lost:1", "HOST/shop/arm:1", "--deep", "--platform", "linux/amd64", "-o", "json")
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
