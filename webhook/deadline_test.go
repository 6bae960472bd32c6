package webhook_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

func TestCheckerDeadlineIsBeforeTheAPIServersTimeout(t *testing.T) {
	t.Parallel()
	ofDefault := webhook.Budget{Admission: 8 * time.Second, Headroom: time.Second}
	generous := webhook.Budget{Admission: 30 * time.Second, Headroom: time.Second}
	tests := map[string]struct {
		budget webhook.Budget
		query  string
		want   time.Duration
	}{
		"less the headroom":           {generous, "?timeout=10s", 9 * time.Second},
		"at most the admission time":  {ofDefault, "?timeout=10s", 8 * time.Second},
		"the longest timeout":         {generous, "?timeout=30s", 29 * time.Second},
		"twice the headroom":          {ofDefault, "?timeout=2s", time.Second},
		"equal to the headroom":       {ofDefault, "?timeout=1s", 500 * time.Millisecond},
		"shorter than the headroom":   {ofDefault, "?timeout=500ms", 250 * time.Millisecond},
		"slightly above the headroom": {webhook.Budget{Admission: 8 * time.Second, Headroom: 3 * time.Second}, "?timeout=4s", 2 * time.Second},
		"without headroom":            {webhook.Budget{Admission: 8 * time.Second}, "?timeout=5s", 5 * time.Second},
		"as shipped":                  {ofDefault, "?timeout=5s", 4 * time.Second},
		"missing":                     {ofDefault, "", 8 * time.Second},
		"empty":                       {ofDefault, "?timeout=", 8 * time.Second},
		"not a duration":              {ofDefault, "?timeout=soon", 8 * time.Second},
		"a number":                    {ofDefault, "?timeout=10", 8 * time.Second},
		"zero":                        {ofDefault, "?timeout=0s", 8 * time.Second},
		"negative":                    {ofDefault, "?timeout=-5s", 8 * time.Second},
		"out of range":                {ofDefault, "?timeout=99999999999h", 8 * time.Second},
		"the first of several":        {ofDefault, "?timeout=2s&timeout=9s", time.Second},
		"among other parameters":      {ofDefault, "?a=b&timeout=3s", 2 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(policy.ModeEnforce)
				f.handler.Budget = test.budget
				f.reviewWithin(t, create("Pod", podOf(good)), test.query)
				if got := f.checker.budget; got != test.want {
					t.Errorf("the checker had %s, want %s", got, test.want)
				}
			})
		})
	}
}
