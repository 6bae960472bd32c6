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

// memory is a Memory of one verdict, with the credential from one source.
type memory struct {
	verdict imagepull.Verdict
	source  string
}

func (m memory) Cached(_ imagepull.Reference, cred imagepull.Credential) (imagepull.Verdict, bool) {
	v := m.verdict
	v.Credential, v.Origin = cred.Source, imagepull.OriginCache
	return v, cred.Source == m.source
}

// TestMemory: what is known to open is not asked for; everything else goes the long way, whatever is known of it.
func TestMemory(t *testing.T) {
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
		set      credentials.Set
		memory   memory
		contents preflight.Resolver
		asked    []string
		want     imagepull.Reason
	}{
		"without a credential":      {memory: memory{works, ""}, want: imagepull.ReasonPullable},
		"with the first credential": {set: ofHost("a", "b"), memory: memory{works, "file/a"}, want: imagepull.ReasonPullable},
		"with another one":          {set: ofHost("a", "b"), memory: memory{works, "file/b"}, asked: []string{image + " file/a"}, want: imagepull.ReasonPullable},
		"refused":                   {memory: memory{private, ""}, asked: []string{image}, want: imagepull.ReasonPullable},
		"a secret is unreadable":    {set: unreadable, memory: memory{works, "file/a"}, want: imagepull.ReasonPullable},
		"a secret is invalid":       {set: invalid, memory: memory{works, "file/a"}, want: imagepull.ReasonInvalidPullSecret},
		"for other platforms":       {memory: memory{foreign, ""}, want: imagepull.ReasonPlatformMismatch},
		"what is in it is to be looked into": {
			memory: memory{works, ""}, asked: []string{image}, want: imagepull.ReasonPullable,
			contents: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return works }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asking := &registry{script: map[string]imagepull.Verdict{image: works}}
			got := check(t, preflight.Options{
				Resolver: asking, Memory: test.memory, Contents: test.contents, Credentials: &secrets{set: test.set, fresh: test.set},
				Nodes: nodes.Declared{platform("linux", "amd64", "")},
			}, image)
			if got.Reason != test.want {
				t.Errorf("reason = %s: %s, want %s", got.Reason, got.Detail, test.want)
			}
			if diff := cmp.Diff(test.asked, asking.questions()); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
		})
	}
}
