package policy_test

import (
	"testing"

	"github.com/pullgate/pullgate/webhook/policy"
)

func TestModeOfReadsTheLabel(t *testing.T) {
	t.Parallel()
	labelled := func(value string) map[string]string { return map[string]string{policy.LabelMode: value} }
	tests := map[string]struct {
		labels     map[string]string
		unlabelled policy.Mode
		want       policy.Mode
		recognised bool
	}{
		"enforce":                              {labelled("enforce"), policy.ModeOff, policy.ModeEnforce, true},
		"warn":                                 {labelled("warn"), policy.ModeOff, policy.ModeWarn, true},
		"audit":                                {labelled("audit"), policy.ModeOff, policy.ModeAudit, true},
		"off":                                  {labelled("off"), policy.ModeEnforce, policy.ModeOff, true},
		"no labels at all":                     {nil, policy.ModeAudit, policy.ModeAudit, true},
		"other labels only":                    {map[string]string{"team": "shop"}, policy.ModeEnforce, policy.ModeEnforce, true},
		"an unknown value warns":               {labelled("strict"), policy.ModeEnforce, policy.ModeWarn, false},
		"an unknown value is never off":        {labelled("strict"), policy.ModeOff, policy.ModeWarn, false},
		"an empty value is unknown":            {labelled(""), policy.ModeOff, policy.ModeWarn, false},
		"another case is unknown":              {labelled("Enforce"), policy.ModeOff, policy.ModeWarn, false},
		"surrounding space is unknown":         {labelled(" off"), policy.ModeOff, policy.ModeWarn, false},
		"a label with another name is ignored": {map[string]string{"mode": "off"}, policy.ModeWarn, policy.ModeWarn, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, recognised := policy.ModeOf(test.labels, test.unlabelled)
			if got != test.want || recognised != test.recognised {
				t.Errorf("ModeOf(%v, %q) = %q, %t, want %q, %t",
					test.labels, test.unlabelled, got, recognised, test.want, test.recognised)
			}
		})
	}
}
