package truth_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestReportHasAllTables(t *testing.T) {
	t.Parallel()
	result := func(name string, expect imagepull.Reason, outcome truth.Outcome, reason string) truth.Result {
		return truth.Result{
			Scenario:  &truth.Scenario{Name: name, Title: "Title of " + name + ".", Expect: expect, Indeterminate: "why | not"},
			Predicted: truth.Predicted{Outcome: expect.Outcome(), Reason: expect},
			Kubelet:   truth.Recorded{Outcome: outcome, Reason: reason},
		}
	}
	missed := result("d/missed", imagepull.ReasonPullable, truth.Failed, "ImagePullBackOff")
	missed.Scenario.Miss = "It is not visible."
	got := truth.Report([]truth.Result{
		result("c/false", imagepull.ReasonNotFound, truth.Pulled, ""),
		result("b/indeterminate", imagepull.ReasonRegistryUnavailable, truth.Failed, "illegal base64 data"),
		result("a/good", imagepull.ReasonPullable, truth.Pulled, ""),
		missed,
	})
	for _, want := range []string{
		"**4 scenarios: 1 false denials, 0 unpredicted failures.** Pullgate agrees with the kubelet on 1,\nreturns an indeterminate verdict for 1, and misses 1",
		"| Failed: another error | 0 | 0 | 1 |\n",
		"| Pulled | 1 | 1 | 0 |\n",
		"## Disagreements\n\n| scenario | the kubelet | Pullgate | |\n| --- | --- | --- | --- |\n| [c/false](scenarios/c/false.yaml) | Pulled | NotFound | FALSE DENIAL |\n",
		`| [b/indeterminate](scenarios/b/indeterminate.yaml) | Failed: another error | RegistryUnavailable | why \| not |`,
		"| Failed: ImagePullBackOff | Pullable | It is not visible. |",
		"| Pulled | Pullable | Title of a/good. |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}

func TestReportCountsDenialsThatItDoesNotMake(t *testing.T) {
	t.Parallel()
	var results []truth.Result
	add := func(name string, reason imagepull.Reason, outcome truth.Outcome) {
		results = append(results, truth.Result{
			Scenario:  &truth.Scenario{Name: name, Expect: reason, Indeterminate: "why"},
			Predicted: truth.Predicted{Outcome: reason.Outcome(), Reason: reason},
			Kubelet:   truth.Recorded{Outcome: outcome},
		})
	}
	add("a", imagepull.ReasonPullSecretMissing, truth.Failed)
	add("b", imagepull.ReasonPullSecretMissing, truth.Failed)
	add("c", imagepull.ReasonPullSecretMissing, truth.PulledLater)
	add("d", imagepull.ReasonNeverPresent, truth.Pulled)
	add("e", imagepull.ReasonNotARegistry, truth.Hanging)
	add("f", imagepull.ReasonRegistryUnavailable, truth.Failed)
	got := truth.Report(results)
	for _, want := range []string{
		"misses 0 failures that it cannot see.\n\nThe scenarios do not cover:\n\n- ",
		"| InsecureRegistry | 0 | 0 |\n| NeverPresent | 0 | 1 |\n| PullSecretMissing | 2 | 1 |\n| NotARegistry | 1 | 0 |\n| NodeCacheUnreported | 0 | 0 |\n\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}

// TestReportMatchesTheRecords renders REPORT.md from the recorded results and the expected reasons. With TRUTH_RENDER set
// it writes the file, for example after a title was changed.
func TestReportMatchesTheRecords(t *testing.T) {
	t.Parallel()
	all, err := truth.Load(os.DirFS("scenarios"))
	if err != nil {
		t.Fatal(err)
	}
	var results []truth.Result
	for _, s := range all {
		if s.Kubelet == nil {
			t.Fatalf(`%s has no record: run "make truth"`, s.Name)
		}
		predicted := truth.Predicted{Outcome: s.Expect.Outcome(), Reason: s.Expect}
		if (s.Update != nil || s.Earlier != nil) && predicted.Outcome == imagepull.Pullable {
			predicted.Reason = "" // the API server returns no reason for an object that is admitted
		}
		results = append(results, truth.Result{Scenario: s, Predicted: predicted, Kubelet: *s.Kubelet})
	}
	want := truth.Report(results)
	if os.Getenv("TRUTH_RENDER") != "" {
		if err := os.WriteFile("REPORT.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("REPORT.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("REPORT.md (-want +got); TRUTH_RENDER=1 writes it:\n%s", diff)
	}
}
