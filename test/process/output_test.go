package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestOutputReturnsTheEndOfBothStreams(t *testing.T) {
	t.Parallel()
	for _, inFile := range []bool{false, true} {
		var o Options
		if inFile {
			file, err := os.Create(filepath.Join(t.TempDir(), "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			o.Output = file
		}
		p := start(t, "printf %5000s; echo one; echo two >&2", o)
		wait(t, p)
		got := p.Output()
		if len(got) != tailBytes || !strings.HasSuffix(got, " one\ntwo\n") {
			t.Errorf("in a file: %t: got %d bytes that end in %q, want %d that end in both lines", inFile, len(got), got[max(0, len(got)-20):], tailBytes)
		}
	}
}

func TestOutputOfAMissingFileIsEmpty(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p := start(t, "echo one", Options{Output: file})
	wait(t, p)
	if err := os.Remove(file.Name()); err != nil {
		t.Fatal(err)
	}
	if got := p.Output(); got != "" {
		t.Errorf("Output() = %q, want nothing", got)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", tailBytes)
	tests := map[string]struct {
		writes []string
		want   string
	}{
		"nothing":                    {},
		"less than the limit":        {writes: []string{"one ", "two"}, want: "one two"},
		"exactly the limit":          {writes: []string{full}, want: full},
		"too much in two writes":     {writes: []string{full, "end"}, want: full[3:] + "end"},
		"too much in a single write": {writes: []string{"start" + full}, want: full},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept Tail
			for _, text := range tc.writes {
				if n, err := kept.Write([]byte(text)); n != len(text) || err != nil {
					t.Errorf("Write: got %d, %v, want %d bytes written", n, err, len(text))
				}
			}
			if diff := cmp.Diff(tc.want, kept.String()); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}
