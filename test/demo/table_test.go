package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestTable(t *testing.T) {
	t.Parallel()
	good := result{
		example: example{pod: "good", namespace: enforceNamespace, want: decision{effect: admitted}},
		got:     decision{effect: admitted},
	}
	bad := result{
		example:  example{pod: "missing-tag", namespace: warnNamespace, want: decision{warned, imagepull.ReasonNotFound}},
		got:      decision{effect: admitted},
		mismatch: `expected "warning: NotFound", got "admitted"`,
	}
	tests := map[string]struct {
		results    []result
		colour     bool
		want       string
		mismatches int
	}{
		"all as expected": {
			results: []result{good},
			want: `
POD    NAMESPACE   MODE      EXPECTED   DECISION   OK
good   shop        enforce   admitted   admitted   ✓

All 1 decisions are as expected.
`,
		},
		"one is not as expected": {
			results:    []result{good, bad},
			mismatches: 1,
			want: `
POD           NAMESPACE   MODE      EXPECTED            DECISION   OK
good          shop        enforce   admitted            admitted   ✓
missing-tag   lab         warn      warning: NotFound   admitted   ✗

missing-tag in lab: expected "warning: NotFound", got "admitted"
1 of 2 decisions are not as expected.
`,
		},
		"in colour": {
			results:    []result{good, bad},
			colour:     true,
			mismatches: 1,
			want: "\n" +
				"POD           NAMESPACE   MODE      EXPECTED            DECISION   OK\n" +
				"good          shop        enforce   admitted            admitted   \x1b[32m✓\x1b[0m\n" +
				"missing-tag   lab         warn      warning: NotFound   admitted   \x1b[31m✗\x1b[0m\n" +
				"\nmissing-tag in lab: expected \"warning: NotFound\", got \"admitted\"\n" +
				"1 of 2 decisions are not as expected.\n",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, printed := newTestPrinter()
			p.colour = tc.colour
			p.table(tc.results)
			if diff := cmp.Diff(tc.want, printed.String()); diff != "" {
				t.Errorf("table (-want +got):\n%s", diff)
			}
			if got := mismatches(tc.results); got != tc.mismatches {
				t.Errorf("mismatches: got %d, want %d", got, tc.mismatches)
			}
		})
	}
}
