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
		contents  preflight.Resolver
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
			contents: resolverFunc(func(context.Context, imagepull.Reference, imagepull.Credential) imagepull.Verdict { return pullable }),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: pullable}}
			got := check(t, preflight.Options{
				Resolver: resolver, Cache: test.cached, Contents: test.contents, Deep: test.contents != nil, Credentials: &secrets{set: test.set, fresh: test.set},
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

// cachedManifests is a Cache of manifests, by their digests.
type cachedManifests map[string]imagepull.Verdict

func (m cachedManifests) Cached(ref imagepull.Reference, _ imagepull.Credential) (imagepull.Verdict, bool) {
	v, ok := m[ref.Digest]
	return v, ok
}

// A cached index needs no request if its manifests for the nodes are cached too.
func TestCachedIndexNeedsItsManifests(t *testing.T) {
	t.Parallel()
	amd64, arm64 := platform("linux", "amd64", ""), platform("linux", "arm64", "")
	found := imagepull.Verdict{Reason: imagepull.ReasonPullable, Size: manifestSize}
	isIndex := withManifest(index(amd64), func(d *imagepull.Descriptor) { d.Kind = imagepull.KindIndex })
	lookedUp := []string{image}
	for name, test := range map[string]struct {
		index     imagepull.Verdict
		cached    cachedManifests
		requested []string
	}{
		"cached":                 {index(amd64, arm64), cachedManifests{manifestDigest(1): found}, nil},
		"of another platform":    {index(arm64, amd64), cachedManifests{manifestDigest(1): found}, lookedUp},
		"of another size":        {index(amd64), cachedManifests{manifestDigest(1): sized(found, 8)}, lookedUp},
		"missing":                {index(amd64), cachedManifests{manifestDigest(1): missingLayer}, lookedUp},
		"an index in the index":  {isIndex, cachedManifests{manifestDigest(1): found}, lookedUp},
		"no platform of a node":  {index(arm64), nil, lookedUp}, // to confirm the denial
		"not cached":             {index(amd64), nil, lookedUp},
		"of one of two requests": {index(amd64, amd64), cachedManifests{manifestDigest(1): found}, lookedUp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resolver := &scriptedResolver{script: map[string]imagepull.Verdict{image: test.index}}
			manifests := deepResolver(map[int]imagepull.Verdict{1: found, 2: found})
			check(t, preflight.Options{
				Resolver: resolver, Cache: cachedVerdict{test.index, ""},
				Manifests: manifests, ManifestCache: test.cached, Contents: manifests,
				Credentials: &secrets{}, Nodes: nodes.Declared{amd64},
			}, image)
			if diff := cmp.Diff(test.requested, resolver.requests()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}
