package truth_test

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestReport(t *testing.T) {
	t.Parallel()
	result := func(name string, expect imagepull.Reason, outcome truth.Outcome, reason string) truth.Result {
		return truth.Result{
			Scenario: &truth.Scenario{Name: name, Title: "Title of " + name + ".", Expect: expect, Doubt: "why | not"},
			Foretold: truth.Foretold{Outcome: expect.Outcome(), Reason: expect},
			Kubelet:  truth.Recorded{Outcome: outcome, Reason: reason},
		}
	}
	missed := result("d/missed", imagepull.ReasonPullable, truth.Failed, "ImagePullBackOff")
	missed.Scenario.Miss = "Nobody looks there."
	got := truth.Report([]truth.Result{
		result("c/false", imagepull.ReasonNotFound, truth.Pulled, ""),
		result("b/doubt", imagepull.ReasonRegistryUnavailable, truth.Failed, "illegal base64 data"),
		result("a/good", imagepull.ReasonPullable, truth.Pulled, ""),
		missed,
	})
	for _, want := range []string{
		"**Of 4 scenarios, 1 false denials and 0 failures unforetold.** Pullgate agrees with the kubelet on 1; it is in doubt on 1,\nand misses 1",
		"| Failed: another error | 0 | 0 | 1 |\n",
		"| Pulled | 1 | 1 | 0 |\n",
		"## Disagreements\n\n| scenario | the kubelet | Pullgate | |\n| --- | --- | --- | --- |\n| [c/false](scenarios/c/false.yaml) | Pulled | NotFound | FALSE DENIAL |\n",
		`| [b/doubt](scenarios/b/doubt.yaml) | Failed: another error | RegistryUnavailable | why \| not |`,
		"| Failed: ImagePullBackOff | Pullable | Nobody looks there. |",
		"| Pulled | Pullable | Title of a/good. |",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the report lacks %q:\n%s", want, got)
		}
	}
}
