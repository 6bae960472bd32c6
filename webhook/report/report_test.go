package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/report"
)

func TestSummaryCountsByOutcome(t *testing.T) {
	t.Parallel()
	want := report.Summary{Pullable: 2, Unpullable: 1, Indeterminate: 1}
	if diff := cmp.Diff(want, mixed().Summary()); diff != "" {
		t.Errorf("Summary() differs (-want +got):\n%s", diff)
	}
}

func TestSummaryCountsTheZeroVerdictAsIndeterminate(t *testing.T) {
	t.Parallel()
	r := report.Report{Entries: []report.Entry{{Finding: standalone("x", imagepull.Verdict{})}}}
	if diff := cmp.Diff(report.Summary{Indeterminate: 1}, r.Summary()); diff != "" {
		t.Errorf("Summary() differs (-want +got):\n%s", diff)
	}
}

func TestSummaryStringLeavesOutZeroCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]report.Summary{
		"0 images":                                            {},
		"1 image: 1 pullable":                                 {Pullable: 1},
		"2 images: 1 pullable, 1 unpullable":                  {Pullable: 1, Unpullable: 1},
		"3 images: 3 indeterminate":                           {Indeterminate: 3},
		"5 images: 2 pullable, 3 unpullable":                  {Pullable: 2, Unpullable: 3},
		"2 images: 1 pullable, 1 indeterminate":               {Pullable: 1, Indeterminate: 1},
		"3 images: 1 pullable, 1 unpullable, 1 indeterminate": {Pullable: 1, Unpullable: 1, Indeterminate: 1},
	}
	for want, summary := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := summary.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		})
	}
}

func TestObjectRefStringHasAnOptionalNamespace(t *testing.T) {
	t.Parallel()
	tests := map[string]report.ObjectRef{
		"Pod shop/web":   {APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "web"},
		"Deployment web": {APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
	}
	for want, object := range tests {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			if got := object.String(); got != want {
				t.Errorf("String() = %q, want %q", got, want)
			}
		})
	}
}
