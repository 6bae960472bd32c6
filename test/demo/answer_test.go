package main

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// What kubectl printed, in three cases.
const (
	printedDenial = `Error from server (Forbidden): error when creating "missing-tag.yaml": admission webhook "pods.pullgate.dev" ` +
		`denied the request: container "web": image "localhost:5000/shop/web:1.72" cannot be pulled: NotFound: tag not found` + "\n"
	printedWarning = `Warning: container "web": image "localhost:5000/shop/web:1.72" cannot be pulled: NotFound: tag not found` +
		"\npod/missing-tag created\n"
	printedCreated = "pod/missing-tag created\n"
)

func TestReadAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome outcome
		want    answer
		text    string
	}{
		"admitted": {
			outcome: outcome{output: printedCreated},
			want:    answer{effect: admitted},
			text:    "admitted",
		},
		"warned": {
			outcome: outcome{output: printedWarning},
			want:    answer{warned, imagepull.ReasonNotFound},
			text:    "warning: NotFound",
		},
		"denied": {
			outcome: outcome{output: printedDenial, status: 1},
			want:    answer{denied, imagepull.ReasonNotFound},
			text:    "denied: NotFound",
		},
		"refused by somebody else": {
			outcome: outcome{output: "Error from server (Forbidden): exceeded quota: NotFound: pods=1\n", status: 1},
			text:    "no answer",
		},
		"a denial's words, yet stored": {
			outcome: outcome{output: printedDenial},
			want:    answer{effect: admitted},
			text:    "admitted",
		},
		"a warning of somebody else": {
			outcome: outcome{output: "Warning: spec.containers[0].name: odd\npod/web created\n"},
			want:    answer{effect: warned},
			text:    "warning",
		},
		"a reason within an image's name": {
			outcome: outcome{output: "Warning: image \"r.example/NotFound:1\" could not be checked: RegistryUnavailable: no such host\n"},
			want:    answer{warned, imagepull.ReasonRegistryUnavailable},
			text:    "warning: RegistryUnavailable",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := readAnswer(tc.outcome)
			if got != tc.want {
				t.Errorf("readAnswer: got %v, want %v", got, tc.want)
			}
			if got.String() != tc.text {
				t.Errorf("String: got %q, want %q", got, tc.text)
			}
		})
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scene   scene
		outcome outcome
		want    string
	}{
		"as expected": {
			scene:   scene{want: answer{denied, imagepull.ReasonNotFound}, says: `container "web"`},
			outcome: outcome{output: printedDenial, status: 1},
		},
		"another effect": {
			scene:   scene{want: answer{denied, imagepull.ReasonNotFound}},
			outcome: outcome{output: printedWarning},
			want:    `expected "denied: NotFound", got "warning: NotFound"`,
		},
		"another reason": {
			scene:   scene{want: answer{denied, imagepull.ReasonAccessDenied}},
			outcome: outcome{output: printedDenial, status: 1},
			want:    `expected "denied: AccessDenied", got "denied: NotFound"`,
		},
		"another container": {
			scene:   scene{want: answer{denied, imagepull.ReasonNotFound}, says: `init container "migrate"`},
			outcome: outcome{output: printedDenial, status: 1},
			want:    `kubectl did not print "init container \"migrate\""`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := tc.scene.judge(tc.outcome)
			if got.mismatch != tc.want {
				t.Errorf("mismatch: got %q, want %q", got.mismatch, tc.want)
			}
			if got.got != readAnswer(tc.outcome) {
				t.Errorf("answer: got %v", got.got)
			}
		})
	}
}

// Every answer that a scene expects must be one that its namespace's mode can give.
func TestScenesFitTheirModes(t *testing.T) {
	t.Parallel()
	for _, sc := range scenes() {
		t.Run(sc.pod+" in "+sc.namespace, func(t *testing.T) {
			t.Parallel()
			if sc.want.effect == denied && (sc.namespace != enforceNamespace || sc.want.reason.Outcome() != imagepull.Unpullable) {
				t.Errorf("%v is expected in mode %s", sc.want, modeOf(sc.namespace))
			}
			if (sc.want.effect == admitted) != (sc.want.reason == "") {
				t.Errorf("an answer %q", sc.want)
			}
			if sc.title == "" || strings.HasSuffix(sc.title, ".") {
				t.Errorf("title %q: want a few words", sc.title)
			}
		})
	}
}
