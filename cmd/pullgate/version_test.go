package main

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestVersionIsPrintedAsJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if status := run(t.Context(), genericiooptions.IOStreams{Out: &out, ErrOut: t.Output()}, []string{"version", "-o", "json"}); status != exitOK {
		t.Fatalf("status %d", status)
	}
	var got map[string]string
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	delete(got, "commit") // a test has a commit only if it is built with -buildvcs
	want := map[string]string{
		"version": versionString(), "goVersion": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
}

func TestVersionRefusesAnUnknownFormat(t *testing.T) {
	t.Parallel()
	var errOut strings.Builder
	status := run(t.Context(), genericiooptions.IOStreams{Out: io.Discard, ErrOut: &errOut}, []string{"version", "-o", "xml"})
	if status != exitUsage || errOut.String() != "error: --output \"xml\": use json, or leave it out\n" {
		t.Errorf("status %d, stderr %q", status, errOut.String())
	}
}

func TestCommitIsTheRecordedRevision(t *testing.T) {
	t.Parallel()
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	tests := map[string]struct {
		settings []debug.BuildSetting
		want     string
	}{
		"without a clone":  {[]debug.BuildSetting{{Key: "GOOS", Value: "linux"}}, ""},
		"a clean clone":    {[]debug.BuildSetting{revision, {Key: "vcs.modified", Value: "false"}}, "0123abc"},
		"a modified clone": {[]debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}, "0123abc-dirty"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := commit(tt.settings); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
