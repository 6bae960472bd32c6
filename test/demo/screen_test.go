package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestScreen(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		colour bool
		show   func(s *screen)
		want   string
	}{
		"a title":             {show: func(s *screen) { s.title("Demo") }, want: "\nDemo\n\n"},
		"a title in colour":   {colour: true, show: func(s *screen) { s.title("Demo") }, want: "\n\x1b[1mDemo\x1b[0m\n\n"},
		"a note of two lines": {show: func(s *screen) { s.note("One\ntwo.\n") }, want: "\n  One\n  two.\n"},
		"a scene":             {show: func(s *screen) { s.scene("A pod", "kubectl apply") }, want: "\nA pod\n$ kubectl apply\n"},
		"output with an empty line and no end": {
			show: func(s *screen) { s.output("one\n\ntwo") }, want: "    one\n\n    two",
		},
		"no output": {show: func(s *screen) { s.output("") }},
		"a step": {
			show: func(s *screen) { s.step("etcd")() },
			want: "  etcd" + string(bytes.Repeat([]byte(" "), stepWidth-len("etcd"))) + "  1.5 s\n",
		},
		"a step that has not ended": {
			show: func(s *screen) { s.step("etcd") },
			want: "  etcd" + string(bytes.Repeat([]byte(" "), stepWidth-len("etcd"))),
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var shown bytes.Buffer
			var clock time.Time
			tc.show(&screen{w: &shown, colour: tc.colour, now: func() time.Time {
				clock = clock.Add(1500 * time.Millisecond)
				return clock
			}})
			if diff := cmp.Diff(tc.want, shown.String()); diff != "" {
				t.Errorf("shown (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewScreenHasNoColoursForAFile(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatalf("creating file: %v", err)
	}
	defer file.Close()
	s := newScreen(file)
	if s.colour {
		t.Error("a file is shown in colour")
	}
	if s.now().IsZero() {
		t.Error("the clock stands still")
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	good := result{
		scene: scene{pod: "good", namespace: enforceNamespace, want: answer{effect: admitted}},
		got:   answer{effect: admitted},
	}
	bad := result{
		scene:    scene{pod: "missing-tag", namespace: warnNamespace, want: answer{warned, imagepull.ReasonNotFound}},
		got:      answer{effect: admitted},
		mismatch: `expected "warning: NotFound", got "admitted"`,
	}
	tests := map[string]struct {
		results    []result
		colour     bool
		want       string
		mismatches int
	}{
		"all as expected": {
			results: []result{good},
			want: `
POD    NAMESPACE   MODE      EXPECTED   ANSWER     OK
good   shop        enforce   admitted   admitted   ✓

All 1 answers are as expected.
`,
		},
		"one is not": {
			results:    []result{good, bad},
			mismatches: 1,
			want: `
POD           NAMESPACE   MODE      EXPECTED            ANSWER     OK
good          shop        enforce   admitted            admitted   ✓
missing-tag   lab         warn      warning: NotFound   admitted   ✗

missing-tag in lab: expected "warning: NotFound", got "admitted"
1 of 2 answers are not as expected.
`,
		},
		"in colour": {
			results:    []result{good, bad},
			colour:     true,
			mismatches: 1,
			want: "\n" +
				"POD           NAMESPACE   MODE      EXPECTED            ANSWER     OK\n" +
				"good          shop        enforce   admitted            admitted   \x1b[32m✓\x1b[0m\n" +
				"missing-tag   lab         warn      warning: NotFound   admitted   \x1b[31m✗\x1b[0m\n" +
				"\nmissing-tag in lab: expected \"warning: NotFound\", got \"admitted\"\n" +
				"1 of 2 answers are not as expected.\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, shown := stillScreen()
			s.colour = tc.colour
			s.table(tc.results)
			if diff := cmp.Diff(tc.want, shown.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
			if got := mismatches(tc.results); got != tc.mismatches {
				t.Errorf("mismatches: got %d, want %d", got, tc.mismatches)
			}
		})
	}
}
