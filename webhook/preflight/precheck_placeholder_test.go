package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// An admitted pod with a placeholder has no webhook that replaces it.
func TestPlaceholdersAreNotCheckedBeforeAdmission(t *testing.T) {
	t.Parallel()
	const text = "placeholder for an image that is set when the pod is created"
	istio := imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: text + " (Istio)"}
	listed := imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: text + " (listed in placeholders)"}
	invalid := func(image string) imagepull.Verdict {
		return imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: podspec.Image(image).ParseError}
	}
	tests := map[string]struct {
		image     string
		injected  bool
		list      []string
		before    imagepull.Verdict
		admission imagepull.Verdict
	}{
		"Istio":                        {"auto", true, nil, istio, private},
		"auto without Istio":           {"auto", false, nil, private, private},
		"auto, listed":                 {"auto", false, []string{"auto"}, listed, private},
		"upper case":                   {"IMAGE", false, []string{"IMAGE"}, listed, invalid("IMAGE")},
		"a variable":                   {"$(IMAGE)", false, []string{"$(*)"}, listed, invalid("$(IMAGE)")},
		"a wildcard with a slash":      {"ko://shop/web", false, []string{"ko://*"}, listed, invalid("ko://shop/web")},
		"two wildcards":                {"reg/IMAGE:x", false, []string{"*IMAGE*"}, listed, invalid("reg/IMAGE:x")},
		"a wildcard for no characters": {"IMAGE", false, []string{"*IMAGE*"}, listed, invalid("IMAGE")},
		"the second of two":            {"IMAGE", false, []string{"auto", "IMAGE"}, listed, invalid("IMAGE")},
		"another image":                {"IMAGES", false, []string{"IMAGE"}, invalid("IMAGES"), invalid("IMAGES")},
		"the start only":               {"ko:", false, []string{"ko:/*"}, invalid("ko:"), invalid("ko:")},
		"the middle twice":             {"a-IMAGE-b", false, []string{"*IMAGE*IMAGE*"}, invalid("a-IMAGE-b"), invalid("a-IMAGE-b")},
		"parts that overlap":           {"ABA", false, []string{"AB*BA"}, invalid("ABA"), invalid("ABA")},
		"another end":                  {"IMAGE:1", false, []string{"IMAGE:*2"}, invalid("IMAGE:1"), invalid("IMAGE:1")},
		"a question mark":              {"IMAGE", false, []string{"IMAG?"}, invalid("IMAGE"), invalid("IMAGE")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checker := preflight.New(preflight.Options{
				Resolver:     &scriptedResolver{script: map[string]imagepull.Verdict{"docker.io/library/auto:latest": private}},
				Credentials:  &secrets{},
				Placeholders: test.list,
			})
			p := pod(test.image)
			p.Uses[0].Injected = test.injected
			for _, before := range []bool{true, false} {
				p.BeforeAdmission = before
				want := test.admission
				if before {
					want = test.before
				}
				if diff := cmp.Diff(want, checker.Check(t.Context(), p, nil)[0].Verdict); diff != "" {
					t.Errorf("before admission %t: verdict (-want +got):\n%s", before, diff)
				}
			}
		})
	}
}
