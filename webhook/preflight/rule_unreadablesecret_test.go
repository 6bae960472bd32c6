package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// TestSecretProblems: what is wrong with a pod's secrets decides or explains.
func TestSecretProblems(t *testing.T) {
	t.Parallel()
	broken := credentials.Problem{Subject: `pull secret "broken"`, Detail: "an auth field is not base64"}
	hidden := credentials.Problem{Subject: `pull secret "hidden"`, Detail: "forbidden"}
	opaque := credentials.Problem{Subject: `pull secret "opaque"`, Detail: "its type is Opaque"}
	doubt := imagepull.Verdict{
		Reason: imagepull.ReasonNodeCredentials,
		Detail: `Pullgate could not read pull secret "hidden": forbidden`,
		Fix:    "check Pullgate's rights and the API server",
	}
	tests := map[string]struct {
		problems credentials.Set
		keys     []string
		answer   imagepull.Verdict
		want     imagepull.Verdict
		unasked  bool
	}{
		"invalid, though a key would work": {
			credentials.Set{Invalid: []credentials.Problem{broken}},
			[]string{"a"},
			works,
			imagepull.Verdict{Reason: imagepull.ReasonInvalidPullSecret, Detail: `pull secret "broken": an auth field is not base64`},
			true,
		},
		"invalid, and another unreadable": {
			credentials.Set{Invalid: []credentials.Problem{broken}, Unreadable: []credentials.Problem{hidden}},
			nil,
			works,
			imagepull.Verdict{Reason: imagepull.ReasonInvalidPullSecret, Detail: `pull secret "broken": an auth field is not base64`},
			true,
		},
		"missing and private": {
			credentials.Set{Missing: []string{"gone"}},
			nil,
			private,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: `private; pull secret "gone" does not exist`, Fix: "create the pull secret",
			},
			false,
		},
		"missing twice, and the key is refused": {
			credentials.Set{Missing: []string{"gone", "lost"}},
			[]string{"a"},
			refused,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Credential: "file/a", Fix: "create the pull secret",
				Detail: `refused; pull secret "gone" and 1 more do not exist`,
			},
			false,
		},
		"missing, with a name that no object has": {
			credentials.Set{Missing: []string{strings.Repeat("x", 9999)}},
			nil,
			private,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Fix: "create the pull secret",
				Detail: `private; pull secret "` + strings.Repeat("x", 253) + `" does not exist`,
			},
			false,
		},
		"more are ignored than are listed": {
			credentials.Set{Ignored: slices.Repeat([]credentials.Problem{opaque}, 9)},
			nil,
			private,
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied,
				Detail: "private" + strings.Repeat(`; pull secret "opaque": its type is Opaque`, 6),
			},
			false,
		},
		"missing and absent":    {credentials.Set{Missing: []string{"gone"}}, nil, absent, absent, false},
		"missing and no answer": {credentials.Set{Missing: []string{"gone"}}, nil, unavailable, unavailable, false},
		"ignored and private": {
			credentials.Set{Ignored: []credentials.Problem{opaque}},
			nil,
			private,
			imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: `private; pull secret "opaque": its type is Opaque`},
			false,
		},
		"ignored and public":                   {credentials.Set{Ignored: []credentials.Problem{opaque}}, nil, works, works, false},
		"unreadable and public":                {credentials.Set{Unreadable: []credentials.Problem{hidden}}, nil, works, doubt, false},
		"unreadable and private":               {credentials.Set{Unreadable: []credentials.Problem{hidden}}, nil, private, doubt, false},
		"unreadable and absent":                {credentials.Set{Unreadable: []credentials.Problem{hidden}}, nil, absent, doubt, false},
		"unreadable, but a key works":          {credentials.Set{Unreadable: []credentials.Problem{hidden}}, []string{"a"}, works, from("file/a", works), false},
		"unreadable, and the key is refused":   {credentials.Set{Unreadable: []credentials.Problem{hidden}}, []string{"a"}, refused, doubt, false},
		"unreadable, and the registry is busy": {credentials.Set{Unreadable: []credentials.Problem{hidden}}, nil, busy, doubt, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.problems.Keyring = keys(t, host, test.keys...).Keyring
			resolver := &registry{script: map[string]imagepull.Verdict{image: test.answer}}
			got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: test.problems}}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if unasked := len(resolver.questions()) == 0; unasked != test.unasked {
				t.Errorf("asked %q, want nothing asked: %t", resolver.questions(), test.unasked)
			}
		})
	}
}
