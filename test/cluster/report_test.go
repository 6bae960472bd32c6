package cluster

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRunStep(t *testing.T) {
	t.Parallel()
	var report strings.Builder
	if err := runStep(&report, "a step", func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	if got := report.String(); !strings.HasSuffix(got, " s  a step\n") {
		t.Errorf("got report %q, want the step and its time", got)
	}
	broken := errors.New("broken")
	report.Reset()
	if err := runStep(&report, "a step", func() error { return broken }); !errors.Is(err, broken) || err.Error() != "a step: broken" {
		t.Errorf("got error %v, want an error with the step's name", err)
	}
	if report.Len() > 0 {
		t.Errorf("got report %q of a step that failed", report.String())
	}
}

func TestFollow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ report, progress, want string }{
		"ready":             {report: "one\ntwo\nready\n", progress: "one\ntwo\n"},
		"lines after ready": {report: "one\nready\nmore\n", progress: "one\n"},
		"an error":          {report: "one\nerror: why\n", progress: "one\n", want: "why"},
		"a long error":      {report: "error: why\nits last output:\nthat\n", want: "why\nits last output:\nthat"},
		"no last line":      {report: "one\n", progress: "one\n", want: "the cluster ended without an error message"},
		"an empty report":   {want: "the cluster ended without an error message"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var progress strings.Builder
			err := follow(strings.NewReader(tt.report), &progress)
			if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
				t.Errorf("got error %v, want %q", err, tt.want)
			}
			if progress.String() != tt.progress {
				t.Errorf("got progress %q, want %q", progress.String(), tt.progress)
			}
		})
	}
}

func TestFollowABrokenReport(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	if err := follow(iotest.ErrReader(broken), &strings.Builder{}); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
}
