package preflight_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	pullsecrets "github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// As the kubelet does, a lookup tries each credential until one works.
func TestLookupTriesEachCredential(t *testing.T) {
	t.Parallel()
	type bySource = map[string]imagepull.Verdict
	tests := map[string]struct {
		keys      []string
		script    bySource
		want      imagepull.Verdict
		requested []string
	}{
		"anonymous, pullable":               {nil, bySource{"": pullable}, pullable, []string{image}},
		"anonymous, denied":                 {nil, bySource{"": private}, private, []string{image}},
		"anonymous, not found":              {nil, bySource{"": absent}, absent, []string{image}},
		"anonymous, unavailable":            {nil, bySource{"": unavailable}, unavailable, []string{image}},
		"the only key works":                {[]string{"a"}, bySource{"file/a": pullable}, withSource("file/a", pullable), []string{image + " file/a"}},
		"the first key works":               {[]string{"a", "b"}, bySource{"file/a": pullable, "file/b": refused}, withSource("file/a", pullable), []string{image + " file/a"}},
		"the second key after a denial":     {[]string{"a", "b"}, bySource{"file/a": refused, "file/b": pullable}, withSource("file/b", pullable), []string{image + " file/a", image + " file/b"}},
		"the second key after not found":    {[]string{"a", "b"}, bySource{"file/a": absent, "file/b": pullable}, withSource("file/b", pullable), []string{image + " file/a", image + " file/b"}},
		"the second key after a rate limit": {[]string{"a", "b"}, bySource{"file/a": rateLimited, "file/b": pullable}, withSource("file/b", pullable), []string{image + " file/a", image + " file/b"}},
		"no anonymous attempt is made":      {[]string{"a"}, bySource{"file/a": refused, "": pullable}, withSource("file/a", refused), []string{image + " file/a"}},
		"not found after a denial": {
			[]string{"a", "b"}, bySource{"file/a": refused, "file/b": absent}, withSource("file/b", absent), []string{image + " file/a", image + " file/b"},
		},
		"not found before a denial": {
			[]string{"a", "b"}, bySource{"file/a": absent, "file/b": refused}, withSource("file/a", absent), []string{image + " file/a", image + " file/b"},
		},
		"unsupported after not found": {
			[]string{"a", "b"}, bySource{"file/a": absent, "file/b": schema1}, withSource("file/b", schema1), []string{image + " file/a", image + " file/b"},
		},
		"Indeterminate after a denial": {
			[]string{"a", "b"}, bySource{"file/a": refused, "file/b": rateLimited}, withSource("file/b", rateLimited), []string{image + " file/a", image + " file/b"},
		},
		"Indeterminate before unsupported": {
			[]string{"a", "b"}, bySource{"file/a": unavailable, "file/b": schema1}, withSource("file/a", unavailable), []string{image + " file/a", image + " file/b"},
		},
		"all denied": {
			[]string{"a", "b"},
			bySource{"file/a": refused, "file/b": refused},
			imagepull.Verdict{
				Reason: imagepull.ReasonAccessDenied, Detail: "the credentials from file/a, file/b are refused", Fix: "renew it", Credential: "file/a",
			},
			[]string{image + " file/a", image + " file/b"},
		},
		"more denied than listed": {
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
		"two keys of one secret denied": {
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
			resolver := &scriptedResolver{script: script(test.script)}
			got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: keys(t, host, test.keys...)}}, image)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// Another credential may get another image: from a mirror, or from a registry that shows each account another repository.
func TestLookupContinuesAfterAnImageThatDoesNotFit(t *testing.T) {
	t.Parallel()
	index := func(architectures ...string) imagepull.Verdict {
		v := imagepull.Verdict{Reason: imagepull.ReasonPullable, IsIndex: true}
		for _, a := range architectures {
			v.Platforms = append(v.Platforms, platform("linux", a, ""))
		}
		return v
	}
	amd64, arm64 := nodes.Declared{platform("linux", "amd64", "")}, nodes.Declared{platform("linux", "arm64", "")}
	both := slices.Concat(amd64, arm64)
	for name, test := range map[string]struct {
		nodes    nodes.Declared
		verdicts [2]imagepull.Verdict
		want     imagepull.Reason
		requests int
	}{
		"an index that fits":                            {amd64, [2]imagepull.Verdict{index("arm64"), index("amd64")}, imagepull.ReasonPullable, 2},
		"an image of one manifest":                      {amd64, [2]imagepull.Verdict{index("arm64"), pullable}, imagepull.ReasonPullable, 2},
		"an index for all nodes":                        {both, [2]imagepull.Verdict{index("arm64"), index("amd64", "arm64")}, imagepull.ReasonPullable, 2},
		"another index that does not fit":               {amd64, [2]imagepull.Verdict{index("arm64"), index("s390x")}, imagepull.ReasonPlatformMismatch, 2},
		"a refusal":                                     {amd64, [2]imagepull.Verdict{index("arm64"), refused}, imagepull.ReasonPlatformMismatch, 2},
		"no response":                                   {amd64, [2]imagepull.Verdict{index("arm64"), unavailable}, imagepull.ReasonRegistryUnavailable, 2},
		"an index that fits is first":                   {amd64, [2]imagepull.Verdict{index("amd64"), index("arm64")}, imagepull.ReasonPullable, 1},
		"an unsupported image is first":                 {amd64, [2]imagepull.Verdict{schema1, index("amd64")}, imagepull.ReasonPullable, 2},
		"an index that fits some nodes, then a refusal": {both, [2]imagepull.Verdict{index("arm64"), refused}, imagepull.ReasonSomePlatforms, 2},
	} {
		for _, from := range []string{"the registry", "the cache"} {
			t.Run(name+", from "+from, func(t *testing.T) {
				t.Parallel()
				resolver := &scriptedResolver{script: script(map[string]imagepull.Verdict{"file/a": test.verdicts[0], "file/b": test.verdicts[1]})}
				o := preflight.Options{Resolver: resolver, Nodes: test.nodes, Credentials: &secrets{set: keys(t, host, "a", "b")}}
				if from == "the cache" {
					o.Cache = cachedVerdict{test.verdicts[0], "file/a"}
				}
				if got := check(t, o, image); got.Reason != test.want {
					t.Errorf("got %q, want %s", summary(got), test.want)
				}
				if got := len(resolver.requests()); from == "the registry" && got != test.requests {
					t.Errorf("%d requests, want %d", got, test.requests)
				}
			})
		}
	}
}

// An entry without user and password matches, so its anonymous request is the only one.
func TestEmptyEntryCountsAsMatched(t *testing.T) {
	t.Parallel()
	set := pullsecrets.Files{key(t, "empty", `{"auths": {"registry.example": {}}}`)}.Credentials(t.Context(), imagepull.Pod{})
	resolver := &scriptedResolver{script: script(map[string]imagepull.Verdict{"file/empty": private, "": pullable})}
	got := check(t, preflight.Options{Resolver: resolver, Credentials: &secrets{set: set}}, image)
	if diff := cmp.Diff(withSource("file/empty", private), got); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{image + " file/empty"}, resolver.requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// The kubelet uses Docker Hub's credential for a host without a dot too, unless another entry matches.
func TestCredentialOfDockerHubIsSentToNoOtherHost(t *testing.T) {
	t.Parallel()
	const local = "localhost/shop/web:1"
	withheld := imagepull.Verdict{
		Reason: imagepull.ReasonNodeLocalRegistry, Credential: "file/hub", Fix: `add an entry for "localhost" to the pull secret`,
		Detail: `a node may send Docker Hub's credential from file/hub to the host "localhost", and Pullgate does not`,
	}
	hub := key(t, "hub", `{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}}}`)
	own := key(t, "own", `{"auths": {"localhost": {"auth": "YTpi"}}}`)
	empty := key(t, "empty", `{"auths": {"https://index.docker.io/v1/": {}}}`)
	tests := map[string]struct {
		files     pullsecrets.Files
		verdict   imagepull.Verdict
		want      imagepull.Verdict
		requested []string
	}{
		"it would be refused":      {pullsecrets.Files{hub}, refused, withheld, nil},
		"it would pull":            {pullsecrets.Files{hub}, pullable, withheld, nil},
		"the host has an entry":    {pullsecrets.Files{hub, own}, pullable, withSource("file/own", pullable), []string{local + " file/own"}},
		"the entry has no account": {pullsecrets.Files{empty}, private, withSource("file/empty", private), []string{local + " file/empty"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{local: test.verdict}}
			set := &secrets{set: test.files.Credentials(t.Context(), imagepull.Pod{})}
			if diff := cmp.Diff(test.want, check(t, preflight.Options{Resolver: resolver, Credentials: set}, local)); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// An entry that cannot be decoded fails every image of the pod, without any request.
func TestInvalidPullSecretFailsEveryImage(t *testing.T) {
	t.Parallel()
	invalid := []credentials.Problem{{Subject: `pull secret "broken"`, Detail: "an auth field is not base64"}}
	unreadable := []credentials.Problem{{Subject: `pull secret "hidden"`, Detail: "forbidden"}}
	tests := map[string]struct {
		problems credentials.Set
		keys     []string
	}{
		"with a key that works":       {credentials.Set{Invalid: invalid}, []string{"a"}},
		"beside an unreadable secret": {credentials.Set{Invalid: invalid, Unreadable: unreadable}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, requests := checkSecrets(t, test.problems, test.keys, pullable)
			want := imagepull.Verdict{
				Reason: imagepull.ReasonInvalidPullSecret, Detail: `pull secret "broken": an auth field is not base64`,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("verdict (-want +got):\n%s", diff)
			}
			if len(requests) > 0 {
				t.Errorf("requests = %q, want none", requests)
			}
		})
	}
}
