package policy_test

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/pullgate/pullgate/webhook/policy"
)

func TestExemptionsSelectByOneProperty(t *testing.T) {
	t.Parallel()
	selector, err := labels.Parse("pullgate.dev/exempt=true,tier!=web")
	if err != nil {
		t.Fatal(err)
	}
	all := policy.Exemptions{
		Usernames:      []string{"system:serviceaccount:ci:deployer"},
		Groups:         []string{"oncall"},
		Namespaces:     []string{"sandbox"},
		RuntimeClasses: []string{"kata"},
		Pods:           selector,
	}
	exempt := map[string]string{"pullgate.dev/exempt": "true"}
	tests := map[string]struct {
		exemptions policy.Exemptions
		subject    policy.Subject
		want       policy.Exemption
	}{
		"user":                      {all, policy.Subject{Username: "system:serviceaccount:ci:deployer"}, policy.ExemptUsername},
		"another user":              {all, policy.Subject{Username: "system:serviceaccount:ci:deployer2"}, ""},
		"one of the groups":         {all, policy.Subject{Groups: []string{"system:authenticated", "oncall"}}, policy.ExemptGroup},
		"other groups":              {all, policy.Subject{Groups: []string{"system:authenticated", "Oncall"}}, ""},
		"user and group":            {all, policy.Subject{Username: "system:serviceaccount:ci:deployer", Groups: []string{"oncall"}}, policy.ExemptUsername},
		"a user named as the group": {all, policy.Subject{Username: "oncall"}, ""},
		"namespace":                 {all, policy.Subject{Namespace: "sandbox"}, policy.ExemptNamespace},
		"another namespace":         {all, policy.Subject{Namespace: "sandbox-2"}, ""},
		"runtime class":             {all, policy.Subject{RuntimeClass: "kata"}, policy.ExemptRuntimeClass},
		"another runtime class":     {all, policy.Subject{RuntimeClass: "gvisor"}, ""},
		"labels":                    {all, policy.Subject{PodLabels: exempt}, policy.ExemptPodLabels},
		"a part of the labels":      {all, policy.Subject{PodLabels: map[string]string{"pullgate.dev/exempt": "true", "tier": "web"}}, ""},
		"another value":             {all, policy.Subject{PodLabels: map[string]string{"pullgate.dev/exempt": "yes"}}, ""},
		"an empty subject":          {all, policy.Subject{}, ""},
		"no exemptions":             {policy.Exemptions{}, policy.Subject{Username: "u", Groups: []string{"g"}, Namespace: "n", RuntimeClass: "r", PodLabels: exempt}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := test.exemptions.ExemptedBy(test.subject); got != test.want {
				t.Errorf("ExemptedBy() = %q, want %q", got, test.want)
			}
		})
	}
}
