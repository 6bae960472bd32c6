package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrinter(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		colour bool
		show   func(p *printer)
		want   string
	}{
		"a title":             {show: func(p *printer) { p.title("Demo") }, want: "\nDemo\n\n"},
		"a title in colour":   {colour: true, show: func(p *printer) { p.title("Demo") }, want: "\n\x1b[1mDemo\x1b[0m\n\n"},
		"a note of two lines": {show: func(p *printer) { p.note("One\ntwo.\n") }, want: "\n  One\n  two.\n"},
		"a command":           {show: func(p *printer) { p.command("A pod", "kubectl apply") }, want: "\nA pod\n$ kubectl apply\n"},
		"output with an empty line and without a last newline": {
			show: func(p *printer) { p.output("one\n\ntwo") }, want: "    one\n\n    two",
		},
		"no output": {show: func(p *printer) { p.output("") }},
		"a step": {
			show: func(p *printer) { p.step("etcd")() },
			want: "  etcd" + string(bytes.Repeat([]byte(" "), stepWidth-len("etcd"))) + "  1.5 s\n",
		},
		"a step in progress": {
			show: func(p *printer) { p.step("etcd") },
			want: "  etcd" + string(bytes.Repeat([]byte(" "), stepWidth-len("etcd"))),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var printed bytes.Buffer
			var clock time.Time
			tc.show(&printer{w: &printed, colour: tc.colour, now: func() time.Time {
				clock = clock.Add(1500 * time.Millisecond)
				return clock
			}})
			if diff := cmp.Diff(tc.want, printed.String()); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrinterHasNoColoursInAFile(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatalf("creating file: %v", err)
	}
	defer file.Close()
	p := newPrinter(file)
	if p.colour {
		t.Error("a file gets colours")
	}
	if p.now().IsZero() {
		t.Error("the clock stands still")
	}
}
