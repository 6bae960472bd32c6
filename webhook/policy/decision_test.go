package policy_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// named returns a finding of the reason, told apart by the name of its container.
func named(name string, reason imagepull.Reason) imagepull.Finding {
	return imagepull.Finding{
		Use:     imagepull.Use{Kind: imagepull.Container, Name: name, Image: "registry.example/shop/" + name},
		Verdict: imagepull.Verdict{Reason: reason},
	}
}

// advised returns a pullable finding with a remark.
func advised(name string) imagepull.Finding {
	finding := named(name, imagepull.ReasonPullable)
	finding.Warnings = []imagepull.Warning{{Reason: imagepull.WarningPullSecretMissing, Message: "pull secret does not exist"}}
	return finding
}

// names keeps what the tests compare: which findings went where, and in which order.
func names(findings []imagepull.Finding) []string {
	var all []string
	for _, finding := range findings {
		all = append(all, finding.Name)
	}
	return all
}

// filed is a Decision by the names of its findings.
type filed struct{ Denials, Warnings, Audited []string }

func file(d policy.Decision) filed {
	return filed{Denials: names(d.Denials), Warnings: names(d.Warnings), Audited: names(d.Audited)}
}

func TestDecideByMode(t *testing.T) {
	t.Parallel()
	certain := named("certain", imagepull.ReasonNotFound)
	doubt := named("doubt", imagepull.ReasonRateLimited)
	good := named("good", imagepull.ReasonPullable)
	remark := advised("remark")
	tests := map[string]struct {
		mode     policy.Mode
		template bool
		findings []imagepull.Finding
		want     filed
	}{
		"enforce denies certainty": {
			policy.ModeEnforce, false, []imagepull.Finding{good, certain},
			filed{Denials: []string{"certain"}, Audited: []string{"certain"}},
		},
		"enforce warns of doubt and passes advice on": {
			policy.ModeEnforce, false, []imagepull.Finding{remark, good, doubt},
			filed{Warnings: []string{"remark", "doubt"}, Audited: []string{"remark", "doubt"}},
		},
		"a denied object has no warnings, and the audit keeps all": {
			policy.ModeEnforce, false, []imagepull.Finding{doubt, certain, remark},
			filed{Denials: []string{"certain"}, Audited: []string{"doubt", "certain", "remark"}},
		},
		"every failing use is named": {
			policy.ModeEnforce, false, []imagepull.Finding{certain, named("other", imagepull.ReasonAccessDenied)},
			filed{Denials: []string{"certain", "other"}, Audited: []string{"certain", "other"}},
		},
		"enforce only warns of a template": {
			policy.ModeEnforce, true, []imagepull.Finding{certain, doubt, remark},
			filed{Warnings: []string{"certain", "doubt", "remark"}, Audited: []string{"certain", "doubt", "remark"}},
		},
		"warn warns of both": {
			policy.ModeWarn, false, []imagepull.Finding{certain, doubt, good, remark},
			filed{Warnings: []string{"certain", "doubt", "remark"}, Audited: []string{"certain", "doubt", "remark"}},
		},
		"audit is silent": {
			policy.ModeAudit, false, []imagepull.Finding{certain, doubt, good, remark},
			filed{Audited: []string{"certain", "doubt", "remark"}},
		},
		"off is silent, even in the audit": {
			policy.ModeOff, false, []imagepull.Finding{certain, doubt, remark}, filed{},
		},
		"an unknown mode acts as warn": {
			"strict", false, []imagepull.Finding{certain, doubt},
			filed{Warnings: []string{"certain", "doubt"}, Audited: []string{"certain", "doubt"}},
		},
		"the zero mode acts as warn": {
			"", false, []imagepull.Finding{certain},
			filed{Warnings: []string{"certain"}, Audited: []string{"certain"}},
		},
		"nothing found": {policy.ModeEnforce, false, nil, filed{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.Decide(policy.Input{Mode: test.mode, Template: test.template, Findings: test.findings})
			if diff := cmp.Diff(test.want, file(got)); diff != "" {
				t.Errorf("Decide() differs (-want +got):\n%s", diff)
			}
			if want := len(test.want.Denials) == 0; got.Allowed() != want {
				t.Errorf("Allowed() = %t, want %t", got.Allowed(), want)
			}
		})
	}
}

// TestDecideEveryReason holds the contract's one sentence on each mode against the whole vocabulary.
func TestDecideEveryReason(t *testing.T) {
	t.Parallel()
	type cell struct {
		mode    policy.Mode
		outcome imagepull.Outcome
	}
	audited, denied, warned := []string{"web"}, []string{"web"}, []string{"web"}
	want := map[cell]filed{
		{policy.ModeEnforce, imagepull.Unpullable}:    {Denials: denied, Audited: audited},
		{policy.ModeEnforce, imagepull.Indeterminate}: {Warnings: warned, Audited: audited},
		{policy.ModeWarn, imagepull.Unpullable}:       {Warnings: warned, Audited: audited},
		{policy.ModeWarn, imagepull.Indeterminate}:    {Warnings: warned, Audited: audited},
		{policy.ModeAudit, imagepull.Unpullable}:      {Audited: audited},
		{policy.ModeAudit, imagepull.Indeterminate}:   {Audited: audited},
	}
	for _, mode := range policy.Modes() {
		for _, reason := range append(imagepull.Reasons(), "") {
			got := file(policy.Decide(policy.Input{
				Mode: mode, Findings: []imagepull.Finding{named("web", reason)},
			}))
			if diff := cmp.Diff(want[cell{mode, reason.Outcome()}], got); diff != "" {
				t.Errorf("mode %q, reason %q (-want +got):\n%s", mode, reason, diff)
			}
		}
	}
}

func TestDecideWithActions(t *testing.T) {
	t.Parallel()
	web := []string{"web"}
	warned := filed{Warnings: web, Audited: web}
	denied := filed{Denials: web, Audited: web}
	tests := map[string]struct {
		mode    policy.Mode
		reason  imagepull.Reason
		actions map[imagepull.Reason]policy.Action
		want    filed
	}{
		"enforce: deny a doubt": {
			policy.ModeEnforce, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, denied,
		},
		"enforce: warn of a certainty": {
			policy.ModeEnforce, imagepull.ReasonAccessDenied,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionWarn}, warned,
		},
		"enforce: allow a certainty": {
			policy.ModeEnforce, imagepull.ReasonAccessDenied,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionAllow}, filed{},
		},
		"enforce: warn of a pullable image": {
			policy.ModeEnforce, imagepull.ReasonPresentOnNode,
			map[imagepull.Reason]policy.Action{imagepull.ReasonPresentOnNode: policy.ActionWarn}, warned,
		},
		"enforce: an action on another reason changes nothing": {
			policy.ModeEnforce, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonAccessDenied: policy.ActionAllow}, denied,
		},
		"enforce: a word that is no action changes nothing": {
			policy.ModeEnforce, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: "ignore"}, denied,
		},
		"warn caps a denial": {
			policy.ModeWarn, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, warned,
		},
		"warn: allow silences": {
			policy.ModeWarn, imagepull.ReasonRateLimited,
			map[imagepull.Reason]policy.Action{imagepull.ReasonRateLimited: policy.ActionAllow}, filed{},
		},
		"audit caps a denial": {
			policy.ModeAudit, imagepull.ReasonNodeCache,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNodeCache: policy.ActionDeny}, filed{Audited: web},
		},
		"audit: allow silences": {
			policy.ModeAudit, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionAllow}, filed{},
		},
		"off caps everything": {
			policy.ModeOff, imagepull.ReasonNotFound,
			map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionDeny}, filed{},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := policy.Decide(policy.Input{
				Mode: test.mode, Actions: test.actions, Findings: []imagepull.Finding{named("web", test.reason)},
			})
			if diff := cmp.Diff(test.want, file(got)); diff != "" {
				t.Errorf("Decide() differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecideAllowSilencesWarnings(t *testing.T) {
	t.Parallel()
	got := policy.Decide(policy.Input{
		Mode:     policy.ModeEnforce,
		Actions:  map[imagepull.Reason]policy.Action{imagepull.ReasonPullable: policy.ActionAllow},
		Findings: []imagepull.Finding{advised("web")},
	})
	if diff := cmp.Diff(filed{}, file(got)); diff != "" {
		t.Errorf("Decide() differs (-want +got):\n%s", diff)
	}
}

func TestDecideCapsDenyOnTemplate(t *testing.T) {
	t.Parallel()
	got := policy.Decide(policy.Input{
		Mode: policy.ModeEnforce, Template: true,
		Actions:  map[imagepull.Reason]policy.Action{imagepull.ReasonSomePlatforms: policy.ActionDeny},
		Findings: []imagepull.Finding{named("web", imagepull.ReasonSomePlatforms)},
	})
	if diff := cmp.Diff(filed{Warnings: []string{"web"}, Audited: []string{"web"}}, file(got)); diff != "" {
		t.Errorf("Decide() differs (-want +got):\n%s", diff)
	}
}

func TestZeroDecisionAdmits(t *testing.T) {
	t.Parallel()
	var zero policy.Decision
	if !zero.Allowed() {
		t.Error("the zero Decision denies, want it to admit: a forgotten branch must not be a false denial")
	}
}
