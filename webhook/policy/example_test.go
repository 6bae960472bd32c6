package policy_test

import (
	"fmt"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

func ExampleDecide() {
	mode, recognised := policy.ModeOf(map[string]string{policy.LabelMode: "enforce"}, policy.ModeWarn)
	decision := policy.Decide(policy.Input{
		Mode: mode,
		// This cluster ignores rate limits.
		Actions: map[imagepull.Reason]policy.Action{imagepull.ReasonRateLimited: policy.ActionAllow},
		Findings: []imagepull.Finding{
			{Use: imagepull.Use{Name: "web"}, Verdict: imagepull.Verdict{Reason: imagepull.ReasonRateLimited}},
			{Use: imagepull.Use{Name: "proxy"}, Verdict: imagepull.Verdict{Reason: imagepull.ReasonNotFound}},
		},
	})
	fmt.Println(mode, recognised, decision.Allowed(), decision.Denials[0].Name, len(decision.Warnings))
	// Output: enforce true false proxy 0
}
