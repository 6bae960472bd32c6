package preflight_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// cachedVerdict is a Cache of one verdict, with the credential from one source.
type cachedVerdict struct {
	verdict imagepull.Verdict
	source  string
}

func (m cachedVerdict) Cached(_ imagepull.Reference, cred imagepull.Credential) (imagepull.Verdict, bool) {
	v := m.verdict
	v.Credential, v.Origin = cred.Source, imagepull.OriginCache
	return v, cred.Source == m.source
}

// Every other cached verdict is looked up again. So is one that would deny.
func TestCachedVerdictNeedsNoRequest(t *testing.T) {
	t.Parallel()
	ofHost := func(names ...string) credentials.Set { return keys(t, "registry.example", names...) }
	unreadable := ofHost("a")
	unreadable.Unreadable = []credentials.Problem{{Subject: "pull secret", Detail: "timed out"}}
	invalid := ofHost("a")
	invalid.Invalid = []credentials.Problem{{Subject: "pull secret", Detail: "it is not JSON"}}
	foreign := imagepull.Verdict{
		Reason: imagepull.ReasonPullable, IsIndex: true, Platforms: []imagepull.Platform{{OS: "linux", Architecture: "s390x"}},
	}
	for name, test := range map[string]struct {
		set       credentials.Set
		cached    cachedVerdict
		deep      preflight.Resolver
		requested []string
		want      imagepull.Reason
	}{
		"without a credential":      {cached: cachedVerdict{pullable, ""}, want: imagepull.ReasonPullable},
		"with the first credential": {set: ofHost("a", "b"), cached: cachedVerdict{pullable, "file/a"}, want: imagepull.ReasonPullable},
		"with another one":          {set: ofHost("a", "b"), cached: cachedVerdict{pullable, "file/b"}, requested: []string{image + " file/a"}, want: imagepull.ReasonPullable},
		"denied":                    {cached: cachedVerdict{private, ""}, requested: []string{image}, want: imagepull.ReasonPullable},
		"a secret is unreadable":    {set: unreadable, cached: cachedVerdict{pullable, "file/a"}, want: imagepull.ReasonPullable},
		"a secret is invalid":       {set: invalid, cached: cachedVerdict{pullable, "file/a"}, want: imagepull.ReasonInvalidPullSecret},
		"for other platforms":       {cached: cachedVerdict{foreign, ""}, requested: []string{image}, want: imagepull.ReasonPullable},
		"deep checks are on": {
			cached: cachedVerdict{pullable, ""}, requested: []string{image}, want: imagepull.ReasonPullable,
			deep: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return pullable }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: pullable}}
			got := check(t, preflight.Options{
				Resolver: resolver, Cache: test.cached, Deep: test.deep, Credentials: &secrets{set: test.set, fresh: test.set},
				Nodes: nodes.Declared{platform("linux", "amd64", "")},
			}, image)
			if got.Reason != test.want {
				t.Errorf("reason = %s: %s, want %s", got.Reason, got.Detail, test.want)
			}
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
