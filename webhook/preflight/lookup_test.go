package preflight_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/preflight"
)

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
	set := credentials.Files{key(t, "empty", `{"auths": {"registry.example": {}}}`)}.Credentials(t.Context(), imagepull.Pod{}, false)
	resolver := &registry{script: answers(map[string]imagepull.Verdict{"file/empty": private, "": works})}
	got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: set}}, image)
	if diff := cmp.Diff(from("file/empty", private), got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{image + " file/empty"}, resolver.questions()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
