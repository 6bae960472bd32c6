package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// named returns a finding with a reason and the name of its container.
func named(name string, reason imagepull.Reason) imagepull.Finding {
	return imagepull.Finding{
		Use:     imagepull.Use{Kind: imagepull.Container, Name: name, Image: "registry.example/shop/" + name},
		Verdict: imagepull.Verdict{Reason: reason},
	}
}

// withWarning returns a pullable finding with a warning.
func withWarning(name string) imagepull.Finding {
	finding := named(name, imagepull.ReasonPullable)
	finding.Warnings = []imagepull.Warning{{Reason: imagepull.WarningWrongArchitecture, Message: "built for arm64"}}
	return finding
}

// names returns the names of the findings.
func names(findings []imagepull.Finding) []string {
	var all []string
	for _, finding := range findings {
		all = append(all, finding.Name)
	}
	return all
}

// lists holds the names of the findings in a Decision.
type lists struct{ Denials, Warnings, Audited []string }

func listsOf(d policy.Decision) lists {
	return lists{Denials: names(d.Denials), Warnings: names(d.Warnings), Audited: names(d.Audited)}
}

func TestModeCapsTheAction(t *testing.T) {
	t.Parallel()
	failing := named("failing", imagepull.ReasonNotFound)
	unclear := named("unclear", imagepull.ReasonRateLimited)
	good := named("good", imagepull.ReasonPullable)
	warned := withWarning("warned")
	tests := map[string]struct {
		mode     policy.Mode
		template bool
		findings []imagepull.Finding
		want     lists
	}{
		"enforce denies unpullable images": {
			policy.ModeEnforce, false, []imagepull.Finding{good, failing},
			lists{Denials: []string{"failing"}, Audited: []string{"failing"}},
		},
		"enforce warns about indeterminate images and passes warnings on": {
			policy.ModeEnforce, false, []imagepull.Finding{warned, good, unclear},
			lists{Warnings: []string{"warned", "unclear"}, Audited: []string{"warned", "unclear"}},
		},
		"a denied object has no warnings, and the audit has all": {
			policy.ModeEnforce, false, []imagepull.Finding{unclear, failing, warned},
			lists{Denials: []string{"failing"}, Audited: []string{"unclear", "failing", "warned"}},
		},
		"every unpullable use is a denial": {
			policy.ModeEnforce, false, []imagepull.Finding{failing, named("other", imagepull.ReasonAccessDenied)},
			lists{Denials: []string{"failing", "other"}, Audited: []string{"failing", "other"}},
		},
		"enforce warns about a template": {
			policy.ModeEnforce, true, []imagepull.Finding{failing, unclear, warned},
			lists{Warnings: []string{"failing", "unclear", "warned"}, Audited: []string{"failing", "unclear", "warned"}},
		},
		"warn warns about both": {
			policy.ModeWarn, false, []imagepull.Finding{failing, unclear, good, warned},
			lists{Warnings: []string{"failing", "unclear", "warned"}, Audited: []string{"failing", "unclear", "warned"}},
		},
		"audit fills the audit only": {
			policy.ModeAudit, false, []imagepull.Finding{failing, unclear, good, warned},
			lists{Audited: []string{"failing", "unclear", "warned"}},
		},
		"off leaves the audit empty": {
			policy.ModeOff, false, []imagepull.Finding{failing, unclear, warned}, lists{},
		},
		"an unknown mode acts as warn": {
			"strict", false, []imagepull.Finding{failing, unclear},
			lists{Warnings: []string{"failing", "unclear"}, Audited: []string{"failing", "unclear"}},
		},
		"the zero mode acts as warn": {
			"", false, []imagepull.Finding{failing},
			lists{Warnings: []string{"failing"}, Audited: []string{"failing"}},
		},
		"no findings": {policy.ModeEnforce, false, nil, lists{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.Decide(policy.Input{Mode: test.mode, Template: test.template, Findings: test.findings})
			if diff := cmp.Diff(test.want, listsOf(got)); diff != "" {
				t.Errorf("Decide() differs (-want +got):\n%s", diff)
			}
			if want := len(test.want.Denials) == 0; got.Allowed() != want {
				t.Errorf("Allowed() = %t, want %t", got.Allowed(), want)
			}
		})
	}
}

// TestDecisionFollowsTheOutcomeOfEveryReason tests every mode with every reason.
func TestDecisionFollowsTheOutcomeOfEveryReason(t *testing.T) {
	t.Parallel()
	type cell struct {
		mode    policy.Mode
		outcome imagepull.Outcome
	}
	audited, denied, warned := []string{"web"}, []string{"web"}, []string{"web"}
	want := map[cell]lists{
		{policy.ModeEnforce, imagepull.Unpullable}:    {Denials: denied, Audited: audited},
		{policy.ModeEnforce, imagepull.Indeterminate}: {Warnings: warned, Audited: audited},
		{policy.ModeWarn, imagepull.Unpullable}:       {Warnings: warned, Audited: audited},
		{policy.ModeWarn, imagepull.Indeterminate}:    {Warnings: warned, Audited: audited},
		{policy.ModeAudit, imagepull.Unpullable}:      {Audited: audited},
		{policy.ModeAudit, imagepull.Indeterminate}:   {Audited: audited},
	}
	for _, mode := range policy.Modes() {
		for _, reason := range append(imagepull.Reasons(), "") {
			got := listsOf(policy.Decide(policy.Input{
				Mode: mode, Findings: []imagepull.Finding{named("web", reason)},
			}))
			if diff := cmp.Diff(want[cell{mode, reason.Outcome()}], got); diff != "" {
				t.Errorf("mode %q, reason %q (-want +got):\n%s", mode, reason, diff)
			}
		}
	}
}

func TestActionsOverrideTheOutcome(t *testing.T) {
	t.Parallel()
	web := []string{"web"}
	warned := lists{Warnings: web, Audited: web}
	denied := lists{Denials: web, Audited: web}
	tests := map[string]struct {
		mode    policy.Mode
		reason  imagepull.Reason
		actions map[imagepull.Reason]policy.Action
		want    lists
	}{
		"enforce: deny an indeterminate reason": {
			policy.ModeEnforce, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, denied,
		},
		"enforce: warn about an unpullable reason": {
			policy.ModeEnforce, imagepull.ReasonAccessDenied,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionWarn}, warned,
		},
		"enforce: allow an unpullable reason": {
			policy.ModeEnforce, imagepull.ReasonAccessDenied,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionAllow}, lists{},
		},
		"enforce: warn about a pullable image": {
			policy.ModeEnforce, imagepull.ReasonPresentOnNode,
			map[imagepull.Reason]policy.Action{imagepull.ReasonPresentOnNode: policy.ActionWarn}, warned,
		},
		"enforce: an action on another reason changes nothing": {
			policy.ModeEnforce, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionAllow}, denied,
		},
		"enforce: an unknown action changes nothing": {
			policy.ModeEnforce, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: "ignore"}, denied,
		},
		"warn caps a denial": {
			policy.ModeWarn, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, warned,
		},
		"warn: allow drops the warning": {
			policy.ModeWarn, imagepull.ReasonRateLimited,
			map[imagepull.Reason]policy.Action{imagepull.ReasonRateLimited: policy.ActionAllow}, lists{},
		},
		"audit caps a denial": {
			policy.ModeAudit, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, lists{Audited: web},
		},
		"audit: allow drops the finding": {
			policy.ModeAudit, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionAllow}, lists{},
		},
		"off caps everything": {
			policy.ModeOff, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionDeny}, lists{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.Decide(policy.Input{
				Mode: test.mode, Actions: test.actions, Findings: []imagepull.Finding{named("web", test.reason)},
			})
			if diff := cmp.Diff(test.want, listsOf(got)); diff != "" {
				t.Errorf("Decide() differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEveryIndeterminateReasonCanBeRaised: an operator may deny what Pullgate cannot know.
func TestEveryIndeterminateReasonCanBeRaised(t *testing.T) {
	t.Parallel()
	for _, reason := range imagepull.Reasons() {
		if reason.Outcome() != imagepull.Indeterminate {
			continue
		}
		got := policy.Decide(policy.Input{
			Mode:     policy.ModeEnforce,
			Actions:  map[imagepull.Reason]policy.Action{reason: policy.ActionDeny},
			Findings: []imagepull.Finding{named("web", reason)},
		})
		if diff := cmp.Diff(lists{Denials: []string{"web"}, Audited: []string{"web"}}, listsOf(got)); diff != "" {
			t.Errorf("%s: Decide() differs (-want +got):\n%s", reason, diff)
		}
	}
}

func TestAllowDropsTheWarningsOfPullableImages(t *testing.T) {
	t.Parallel()
	got := policy.Decide(policy.Input{
		Mode:     policy.ModeEnforce,
		Actions:  map[imagepull.Reason]policy.Action{imagepull.ReasonPullable: policy.ActionAllow},
		Findings: []imagepull.Finding{withWarning("web")},
	})
	if diff := cmp.Diff(lists{}, listsOf(got)); diff != "" {
		t.Errorf("Decide() differs (-want +got):\n%s", diff)
	}
}

func TestTemplateCapsDeny(t *testing.T) {
	t.Parallel()
	got := policy.Decide(policy.Input{
		Mode: policy.ModeEnforce, Template: true,
		Actions:  map[imagepull.Reason]policy.Action{imagepull.ReasonSomePlatforms: policy.ActionDeny},
		Findings: []imagepull.Finding{named("web", imagepull.ReasonSomePlatforms)},
	})
	if diff := cmp.Diff(lists{Warnings: []string{"web"}, Audited: []string{"web"}}, listsOf(got)); diff != "" {
		t.Errorf("Decide() differs (-want +got):\n%s", diff)
	}
}

func TestZeroDecisionAdmits(t *testing.T) {
	t.Parallel()
	var zero policy.Decision
	if !zero.Allowed() {
		t.Error("the zero Decision denies, want it to admit: a missing branch must not cause a false denial")
	}
}
