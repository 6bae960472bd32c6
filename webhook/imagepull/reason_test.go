package imagepull_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// vocabulary is the documented table of reasons and outcomes.
var vocabulary = []struct{ reason, outcome string }{
	{"Pullable", "Pullable"},
	{"PresentOnNode", "Pullable"},
	{"NotChecked", "Pullable"},
	{"InvalidImageName", "Unpullable"},
	{"InvalidPullSecret", "Unpullable"},
	{"NotFound", "Unpullable"},
	{"AccessDenied", "Unpullable"},
	{"PlatformMismatch", "Unpullable"},
	{"UnsupportedImage", "Unpullable"},
	{"BlobMissing", "Unpullable"},
	{"InsecureRegistry", "Indeterminate"},
	{"NeverPresent", "Indeterminate"},
	{"PullSecretMissing", "Indeterminate"},
	{"NotARegistry", "Indeterminate"},
	{"RegistryUnavailable", "Indeterminate"},
	{"RateLimited", "Indeterminate"},
	{"DeadlineExceeded", "Indeterminate"},
	{"NodeCredentials", "Indeterminate"},
	{"NodeLocalRegistry", "Indeterminate"},
	{"NodeCache", "Indeterminate"},
	{"NodeCacheUnreported", "Indeterminate"},
	{"SomePlatforms", "Indeterminate"},
	{"EgressForbidden", "Indeterminate"},
	{"TooManyImages", "Indeterminate"},
}

func TestReasonsAreTheVocabulary(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, word := range vocabulary {
		want = append(want, word.reason)
	}
	for _, reason := range imagepull.Reasons() {
		got = append(got, string(reason))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Reasons() (-want +got):\n%s", diff)
	}
}

func TestReasonsReturnsANewSlice(t *testing.T) {
	t.Parallel()
	imagepull.Reasons()[0] = "Overwritten"
	if got := imagepull.Reasons()[0]; got != imagepull.ReasonPullable {
		t.Errorf("Reasons()[0] = %q after a write to an earlier result, want %q", got, imagepull.ReasonPullable)
	}
}

func TestOutcomeOfEveryReason(t *testing.T) {
	t.Parallel()
	for _, word := range vocabulary {
		t.Run(word.reason, func(t *testing.T) {
			t.Parallel()
			reason := imagepull.Reason(word.reason)
			if got := reason.Outcome().String(); got != word.outcome {
				t.Errorf("Outcome() = %s, want %s", got, word.outcome)
			}
			if got := (imagepull.Verdict{Reason: reason}).Outcome(); got != reason.Outcome() {
				t.Errorf("outcome of a verdict with the reason = %s, want %s", got, reason.Outcome())
			}
		})
	}
}

func TestZeroVerdictIsIndeterminate(t *testing.T) {
	t.Parallel()
	tests := map[string]imagepull.Outcome{
		"zero outcome":                imagepull.Outcome(0),
		"zero reason":                 imagepull.Reason("").Outcome(),
		"zero verdict":                imagepull.Verdict{}.Outcome(),
		"zero finding":                imagepull.Finding{}.Outcome(),
		"word outside the vocabulary": imagepull.Reason("notfound").Outcome(),
	}
	for name, got := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got != imagepull.Indeterminate {
				t.Errorf("outcome = %s, want Indeterminate", got)
			}
		})
	}
}

func TestOutcomeMarshalsAsItsName(t *testing.T) {
	t.Parallel()
	outcomes := []imagepull.Outcome{imagepull.Pullable, imagepull.Unpullable, imagepull.Indeterminate, imagepull.Outcome(99)}
	got, err := json.Marshal(outcomes)
	if err != nil {
		t.Fatalf("Marshal() error = %v, want none", err)
	}
	want := `["Pullable","Unpullable","Indeterminate","Indeterminate"]`
	if string(got) != want {
		t.Errorf("Marshal() = %s, want %s", got, want)
	}
}

func TestReasonsAreDistinctWords(t *testing.T) {
	t.Parallel()
	reasons := imagepull.Reasons()
	slices.Sort(reasons)
	if distinct := slices.Compact(slices.Clone(reasons)); len(distinct) != len(reasons) {
		t.Errorf("Reasons() = %v, want each once", reasons)
	}
	for _, reason := range reasons {
		if strings.ContainsFunc(string(reason), func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') }) {
			t.Errorf("reason %q is not one word of letters", reason)
		}
	}
}
