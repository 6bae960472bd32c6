package preflight_test

import (
	"fmt"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// Verdicts of a deep check on one manifest.
var (
	missingLayer = imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "the registry has lost layer 1 of 2"}
	deniedLayer  = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "the registry serves the manifest but refuses layer 1 of 2"}
	noResponse   = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "no response in time"}
)

func builtFor(p imagepull.Platform) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Platforms: []imagepull.Platform{p}}
}

// manifestDigest returns the digest of the manifest with this number.
func manifestDigest(i int) string { return fmt.Sprintf("sha256:%d", i) }

// deepResolver returns a Resolver for deep checks, scripted by the numbers of the manifests. A single manifest has number 0.
func deepResolver(script map[int]imagepull.Verdict) *scriptedResolver {
	r := &scriptedResolver{script: map[string]imagepull.Verdict{}}
	for i, v := range script {
		r.script[repository+"@"+manifestDigest(i)] = v
	}
	return r
}

func single() imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: manifestDigest(0)}
}

// index returns an index of these platforms. Its manifests have the numbers from 1 on.
func index(platforms ...imagepull.Platform) imagepull.Verdict {
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: manifestDigest(0), IsIndex: true, Platforms: platforms}
	for i := range platforms {
		v.Digests = append(v.Digests, manifestDigest(i+1))
	}
	return v
}

func withoutDigests(v imagepull.Verdict) imagepull.Verdict {
	clear(v.Digests)
	return v
}

// summary returns a verdict in one line.
func summary(v imagepull.Verdict) string {
	line := string(v.Reason)
	if v.Detail != "" {
		line += ": " + v.Detail
	}
	for _, w := range v.Warnings {
		line += fmt.Sprintf(" (%s: %s)", w.Reason, w.Message)
	}
	return line
}

const repository = "registry.example/shop/web"

func TestDeepCheck(t *testing.T) {
	t.Parallel()
	amd64, arm64, none := platform("linux", "amd64", ""), platform("linux", "arm64", ""), imagepull.Platform{}
	onAMD, onBoth := nodes.Declared{amd64}, nodes.Declared{amd64, arm64}
	many := make([]imagepull.Platform, 6)
	for i := range many {
		many[i] = amd64
	}
	chart := imagepull.Verdict{Reason: imagepull.ReasonPullable, Warnings: []imagepull.Warning{{
		Reason: imagepull.WarningNotAContainerImage, Message: "a chart",
	}}}
	type script = map[int]imagepull.Verdict
	tests := map[string]struct {
		image     imagepull.Verdict
		deep      script
		nodes     nodes.Declared
		want      string
		requested int
	}{
		"a complete image":               {single(), script{0: builtFor(amd64)}, onAMD, "Pullable", 1},
		"a missing layer":                {single(), script{0: missingLayer}, onAMD, "BlobMissing: the registry has lost layer 1 of 2", 1},
		"a denied layer":                 {single(), script{0: deniedLayer}, onAMD, "AccessDenied: the registry serves the manifest but refuses layer 1 of 2", 1},
		"no response":                    {single(), script{0: noResponse}, onAMD, "RegistryUnavailable: no response in time", 1},
		"a chart":                        {single(), script{0: chart}, onAMD, "Pullable (NotAContainerImage: a chart)", 1},
		"an image that does not resolve": {imagepull.Verdict{Reason: imagepull.ReasonNotFound}, nil, onAMD, "NotFound", 0},
		"for another architecture": {
			single(), script{0: builtFor(arm64)}, onAMD,
			"Pullable (WrongArchitecture: built for linux/arm64, the nodes are linux/amd64: exec format error)", 1,
		},
		"for one of two architectures":                        {single(), script{0: builtFor(arm64)}, onBoth, "Pullable", 1},
		"for an older architecture":                           {single(), script{0: builtFor(platform("linux", "386", ""))}, onAMD, "Pullable", 1},
		"on unknown nodes":                                    {single(), script{0: builtFor(arm64)}, nil, "Pullable", 1},
		"an index, the nodes' platform":                       {index(amd64, arm64), script{1: builtFor(amd64)}, onAMD, "Pullable", 1},
		"an index, missing layer":                             {index(amd64, arm64), script{1: missingLayer}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 1},
		"an index, two platforms":                             {index(amd64, arm64), script{1: builtFor(amd64), 2: builtFor(arm64)}, onBoth, "Pullable", 2},
		"an index, both missing":                              {index(amd64, arm64), script{1: missingLayer, 2: missingLayer}, onBoth, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, one of two entries for a platform missing": {index(amd64, amd64), script{1: builtFor(amd64), 2: missingLayer}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, one entry without response, one missing":   {index(amd64, amd64), script{1: noResponse, 2: missingLayer}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, one of two platforms missing": {
			index(amd64, arm64), script{1: builtFor(amd64), 2: missingLayer}, onBoth,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/arm64", 2,
		},
		"an index, one platform missing, one without response": {
			index(amd64, arm64), script{1: missingLayer, 2: noResponse}, onBoth, "RegistryUnavailable: no response in time, for linux/arm64", 2,
		},
		"an index with many entries for a platform": {
			index(many...), nil, onAMD, "DeadlineExceeded: the index has more than 4 entries for one platform", 0,
		},
		"an index, nodes unknown": {
			index(amd64, arm64, platform("unknown", "unknown", "")), script{1: missingLayer, 2: missingLayer}, nil,
			"BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2,
		},
		"an index, nodes unknown, one missing": {
			index(amd64, arm64), script{1: missingLayer, 2: builtFor(arm64)}, nil,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/amd64", 2,
		},
		"a long index, nodes unknown": {
			index(many...), script{1: missingLayer, 2: missingLayer, 3: missingLayer, 4: missingLayer}, nil,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/amd64", 4,
		},
		"an index for other platforms": {
			index(arm64), nil, onAMD, "PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 0,
		},
		"an index for some nodes": {
			index(amd64), nil, onBoth,
			"SomePlatforms: some nodes are not served: the image index offers linux/amd64, the nodes are linux/amd64, linux/arm64", 0,
		},
		"an entry with an invalid digest": {
			withoutDigests(index(amd64)), nil, onAMD, "UnsupportedImage: the index has an invalid digest for a manifest, for linux/amd64", 0,
		},
		"an entry without a platform that fits": {index(none), script{1: builtFor(amd64)}, onAMD, "Pullable", 1},
		"an entry without a platform that does not": {
			index(none), script{1: builtFor(arm64)}, onAMD, "PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 1,
		},
		"an entry without a platform for an older architecture": {
			index(none), script{1: builtFor(platform("linux", "386", ""))}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 1,
		},
		"an entry without a platform beside one for a node": {
			index(amd64, none), script{1: builtFor(amd64), 2: builtFor(arm64)}, onBoth,
			"SomePlatforms: the image index has an entry without a platform", 0,
		},
		"an entry without a platform beside one for other nodes": {
			index(arm64, none), script{2: builtFor(amd64)}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 0,
		},
		"the first entry without a platform counts": {
			index(none, none), script{1: builtFor(arm64), 2: builtFor(amd64)}, onAMD,
			"PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 2,
		},
		"a missing layer of an entry without a platform": {index(none), script{1: missingLayer}, onAMD, "BlobMissing: the registry has lost layer 1 of 2", 1},
		"an entry and a configuration without a platform": {
			index(none), script{1: {Reason: imagepull.ReasonPullable}}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			deep := deepResolver(test.deep)
			got := check(t, preflight.Options{
				Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: test.image}},
				Deep:        deep,
				Credentials: &secrets{},
				Nodes:       test.nodes,
			}, image)
			if summary(got) != test.want {
				t.Errorf("got verdict %q, want %q", summary(got), test.want)
			}
			if requested := deep.requests(); len(requested) != test.requested {
				t.Errorf("requests = %v, want %d", requested, test.requested)
			}
		})
	}
}

// The kubelet pulls the whole image again with the next credential.
func TestDeepCheckRunsForEachCredential(t *testing.T) {
	t.Parallel()
	deep := &scriptedResolver{script: map[string]imagepull.Verdict{
		repository + "@" + manifestDigest(0) + " file/a": deniedLayer,
		repository + "@" + manifestDigest(0) + " file/b": builtFor(platform("linux", "amd64", "")),
	}}
	got := check(t, preflight.Options{
		Resolver:    &scriptedResolver{script: map[string]imagepull.Verdict{image: single()}},
		Deep:        deep,
		Credentials: &secrets{set: keys(t, "registry.example", "a", "b")},
	}, image)
	if summary(got) != "Pullable" || got.Credential != "file/b" {
		t.Errorf("got verdict %q by %s, want Pullable by file/b", summary(got), got.Credential)
	}
}
