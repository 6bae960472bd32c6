package main

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The output of kubectl, in three cases.
const (
	printedDenial = `Error from server (Forbidden): error when creating "missing-tag.yaml": admission webhook "pods.pullgate.dev" ` +
		`denied the request: container "web": image "localhost:5000/shop/web:1.72" cannot be pulled: NotFound: tag not found` + "\n"
	printedWarning = `Warning: container "web": image "localhost:5000/shop/web:1.72" cannot be pulled: NotFound: tag not found` +
		"\npod/missing-tag created\n"
	printedCreated = "pod/missing-tag created\n"
)

func TestParseDecision(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		result commandResult
		want   decision
		text   string
	}{
		"admitted": {
			result: commandResult{output: printedCreated},
			want:   decision{effect: admitted},
			text:   "admitted",
		},
		"warned": {
			result: commandResult{output: printedWarning},
			want:   decision{warned, imagepull.ReasonNotFound},
			text:   "warning: NotFound",
		},
		"denied": {
			result: commandResult{output: printedDenial, status: 1},
			want:   decision{denied, imagepull.ReasonNotFound},
			text:   "denied: NotFound",
		},
		"denied by another plugin": {
			result: commandResult{output: "Error from server (Forbidden): exceeded quota: NotFound: pods=1\n", status: 1},
			text:   "no decision",
		},
		"a denial in the output with status 0": {
			result: commandResult{output: printedDenial},
			want:   decision{effect: admitted},
			text:   "admitted",
		},
		"a warning without a reason": {
			result: commandResult{output: "Warning: spec.containers[0].name: odd\npod/web created\n"},
			want:   decision{effect: warned},
			text:   "warning",
		},
		"a reason in the name of an image": {
			result: commandResult{output: "Warning: image \"r.example/NotFound:1\" could not be checked: RegistryUnavailable: no such host\n"},
			want:   decision{warned, imagepull.ReasonRegistryUnavailable},
			text:   "warning: RegistryUnavailable",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseDecision(tc.result)
			if got != tc.want {
				t.Errorf("parseDecision: got %v, want %v", got, tc.want)
			}
			if got.String() != tc.text {
				t.Errorf("String: got %q, want %q", got, tc.text)
			}
		})
	}
}

func TestCompare(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		example example
		result  commandResult
		want    string
	}{
		"as expected": {
			example: example{want: decision{denied, imagepull.ReasonNotFound}, wantOutput: `container "web"`},
			result:  commandResult{output: printedDenial, status: 1},
		},
		"another effect": {
			example: example{want: decision{denied, imagepull.ReasonNotFound}},
			result:  commandResult{output: printedWarning},
			want:    `expected "denied: NotFound", got "warning: NotFound"`,
		},
		"another reason": {
			example: example{want: decision{denied, imagepull.ReasonAccessDenied}},
			result:  commandResult{output: printedDenial, status: 1},
			want:    `expected "denied: AccessDenied", got "denied: NotFound"`,
		},
		"another container": {
			example: example{want: decision{denied, imagepull.ReasonNotFound}, wantOutput: `init container "migrate"`},
			result:  commandResult{output: printedDenial, status: 1},
			want:    `kubectl did not print "init container \"migrate\""`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.example.compare(tc.result)
			if got.mismatch != tc.want {
				t.Errorf("mismatch: got %q, want %q", got.mismatch, tc.want)
			}
			if got.got != parseDecision(tc.result) {
				t.Errorf("decision: got %v", got.got)
			}
		})
	}
}

// TestEveryExpectedDecisionIsPossible compares the decisions with the modes of the namespaces.
func TestEveryExpectedDecisionIsPossible(t *testing.T) {
	t.Parallel()
	for _, e := range examples() {
		t.Run(e.pod+" in "+e.namespace, func(t *testing.T) {
			t.Parallel()
			if e.want.effect == denied && (e.namespace != enforceNamespace || e.want.reason.Outcome() != imagepull.Unpullable) {
				t.Errorf("%v is expected in mode %s", e.want, modeOf(e.namespace))
			}
			if (e.want.effect == admitted) != (e.want.reason == "") {
				t.Errorf("decision %q: want a reason unless the pod is admitted", e.want)
			}
			if e.title == "" || strings.HasSuffix(e.title, ".") {
				t.Errorf("title %q: want a few words", e.title)
			}
		})
	}
}
