package preflight_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	pullsecrets "github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

const host = "registry.example"

// What a registry says.
var (
	works       = imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: "sha256:1"}
	private     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "private"}
	refused     = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "refused", Fix: "renew it"}
	absent      = imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: "tag not found"}
	schema1     = imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "schema 1"}
	busy        = imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "busy"}
	unavailable = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "it answered 503"}
)

// answers is a script for the image of most tests, by the source of the credential.
func answers(bySource map[string]imagepull.Verdict) map[string]imagepull.Verdict {
	script := make(map[string]imagepull.Verdict, len(bySource))
	for source, v := range bySource {
		question := image
		if source != "" {
			question += " " + source
		}
		script[question] = v
	}
	return script
}

// from returns the verdict as it comes with a credential of the source.
func from(source string, v imagepull.Verdict) imagepull.Verdict {
	v.Credential = source
	return v
}

// TestCandidates: each credential is tried until one works, as the kubelet does.
func TestCandidates(t *testing.T) {
	t.Parallel()
	type bySource = map[string]imagepull.Verdict
	tests := map[string]struct {
		keys    []string
		answers bySource
		want    imagepull.Verdict
		asked   []string
	}{
		"anonymous works":              {nil, bySource{"": works}, works, []string{image}},
		"anonymous is refused":         {nil, bySource{"": private}, private, []string{image}},
		"anonymous finds nothing":      {nil, bySource{"": absent}, absent, []string{image}},
		"anonymous gets no answer":     {nil, bySource{"": unavailable}, unavailable, []string{image}},
		"the only key works":           {[]string{"a"}, bySource{"file/a": works}, from("file/a", works), []string{image + " file/a"}},
		"the first key works":          {[]string{"a", "b"}, bySource{"file/a": works, "file/b": refused}, from("file/a", works), []string{image + " file/a"}},
		"the second after a refusal":   {[]string{"a", "b"}, bySource{"file/a": refused, "file/b": works}, from("file/b", works), []string{image + " file/a", image + " file/b"}},
		"the second after not found":   {[]string{"a", "b"}, bySource{"file/a": absent, "file/b": works}, from("file/b", works), []string{image + " file/a", image + " file/b"}},
		"the second after no answer":   {[]string{"a", "b"}, bySource{"file/a": busy, "file/b": works}, from("file/b", works), []string{image + " file/a", image + " file/b"}},
		"no anonymous attempt is made": {[]string{"a"}, bySource{"file/a": refused, "": works}, from("file/a", refused), []string{image + " file/a"}},
		"certain and certain: what got further": {
			[]string{"a", "b"}, bySource{"file/a": refused, "file/b": absent}, from("file/b", absent), []string{image + " file/a", image + " file/b"},
		},
		"what got further comes first": {
			[]string{"a", "b"}, bySource{"file/a": absent, "file/b": refused}, from("file/a", absent), []string{image + " file/a", image + " file/b"},
		},
		"an answer that can't be used got furthest": {
			[]string{"a", "b"}, bySource{"file/a": absent, "file/b": schema1}, from("file/b", schema1), []string{image + " file/a", image + " file/b"},
		},
		"doubt wins over a refusal": {
			[]string{"a", "b"}, bySource{"file/a": refused, "file/b": busy}, from("file/b", busy), []string{image + " file/a", image + " file/b"},
		},
		"doubt wins over an answer that can't be used": {
			[]string{"a", "b"}, bySource{"file/a": unavailable, "file/b": schema1}, from("file/a", unavailable), []string{image + " file/a", image + " file/b"},
		},
		"all are refused": {
			[]string{"a", "b"},
			bySource{"file/a": refused, "file/b": refused},
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: "the credentials from file/a, file/b are refused", Fix: "renew it", Credential: "file/a",
			},
			[]string{image + " file/a", image + " file/b"},
		},
		"more are refused than are listed": {
			[]string{"a", "b", "c", "d", "e", "f", "g", "h"},
			bySource{
				"file/a": refused, "file/b": refused, "file/c": refused, "file/d": refused,
				"file/e": refused, "file/f": refused, "file/g": refused, "file/h": refused,
			},
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Fix: "renew it", Credential: "file/a",
				Detail: "the credentials from file/a, file/b, file/c, file/d, file/e, file/f and 2 more are refused",
			},
			[]string{
				image + " file/a", image + " file/b", image + " file/c", image + " file/d",
				image + " file/e", image + " file/f", image + " file/g", image + " file/h",
			},
		},
		"two keys of one secret are refused": {
			[]string{"a", "a"},
			bySource{"file/a": refused},
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: "the credentials from file/a are refused", Fix: "renew it", Credential: "file/a",
			},
			[]string{image + " file/a", image + " file/a"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &registry{script: answers(test.answers)}
			got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: keys(t, host, test.keys...)}}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.asked, resolver.questions()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEmptyEntryCountsAsMatched: an entry without user and password asks anonymously, and nothing is asked besides.
func TestEmptyEntryCountsAsMatched(t *testing.T) {
	t.Parallel()
	set := pullsecrets.Files{key(t, "empty", `{"auths": {"registry.example": {}}}`)}.Credentials(t.Context(), imagepull.Pod{})
	resolver := &registry{script: answers(map[string]imagepull.Verdict{"file/empty": private, "": works})}
	got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: set}}, image)
	if diff := cmp.Diff(from("file/empty", private), got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{image + " file/empty"}, resolver.questions()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

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
