package preflight_test

import (
	"fmt"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// verdicts on the contents of a manifest.
var (
	lost    = imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "the registry has lost layer 1 of 2"}
	noLayer = imagepull.Verdict{Reason: imagepull.ReasonAccessDenied, Detail: "the registry shows the manifest but refuses layer 1 of 2"}
	down    = imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: "no answer in time"}
)

func builtFor(p imagepull.Platform) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Platforms: []imagepull.Platform{p}}
}

// part is the digest of a manifest that an index lists.
func part(i int) string { return fmt.Sprintf("sha256:%d", i) }

// insides scripts a Resolver of contents by the number of each manifest; the single one of an image has number 0.
func insides(script map[int]imagepull.Verdict) *registry {
	r := &registry{script: map[string]imagepull.Verdict{}}
	for i, v := range script {
		r.script[repository+"@"+part(i)] = v
	}
	return r
}

func single() imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: part(0)}
}

// index offers platforms, whose manifests are numbered from 1 on.
func index(platforms ...imagepull.Platform) imagepull.Verdict {
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: part(0), IsIndex: true, Platforms: platforms}
	for i := range platforms {
		v.Digests = append(v.Digests, part(i+1))
	}
	return v
}

func withoutDigests(v imagepull.Verdict) imagepull.Verdict {
	clear(v.Digests)
	return v
}

// brief is a verdict in one line.
func brief(v imagepull.Verdict) string {
	line := string(v.Reason)
	if v.Detail != "" {
		line += ": " + v.Detail
	}
	for _, a := range v.Warnings {
		line += fmt.Sprintf(" (%s: %s)", a.Reason, a.Message)
	}
	return line
}

const repository = "registry.example/shop/web"

func TestContents(t *testing.T) {
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
		image  imagepull.Verdict
		inside script
		nodes  nodes.Declared
		want   string
		asked  int
	}{
		"all of an image":   {single(), script{0: builtFor(amd64)}, onAMD, "Pullable", 1},
		"a lost layer":      {single(), script{0: lost}, onAMD, "BlobMissing: the registry has lost layer 1 of 2", 1},
		"a refused layer":   {single(), script{0: noLayer}, onAMD, "AccessDenied: the registry shows the manifest but refuses layer 1 of 2", 1},
		"no answer":         {single(), script{0: down}, onAMD, "RegistryUnavailable: no answer in time", 1},
		"a chart":           {single(), script{0: chart}, onAMD, "Pullable (NotAContainerImage: a chart)", 1},
		"nobody asks twice": {imagepull.Verdict{Reason: imagepull.ReasonNotFound}, nil, onAMD, "NotFound", 0},
		"for another processor": {
			single(), script{0: builtFor(arm64)}, onAMD,
			"Pullable (WrongArchitecture: built for linux/arm64, the nodes are linux/amd64: exec format error)", 1,
		},
		"for one of two processors":   {single(), script{0: builtFor(arm64)}, onBoth, "Pullable", 1},
		"for an older processor":      {single(), script{0: builtFor(platform("linux", "386", ""))}, onAMD, "Pullable", 1},
		"for who knows":               {single(), script{0: builtFor(arm64)}, nil, "Pullable", 1},
		"an index, its one platform":  {index(amd64, arm64), script{1: builtFor(amd64)}, onAMD, "Pullable", 1},
		"an index, lost":              {index(amd64, arm64), script{1: lost}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 1},
		"an index, both":              {index(amd64, arm64), script{1: builtFor(amd64), 2: builtFor(arm64)}, onBoth, "Pullable", 2},
		"an index, both lost":         {index(amd64, arm64), script{1: lost, 2: lost}, onBoth, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, twice a platform":  {index(amd64, amd64), script{1: builtFor(amd64), 2: lost}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, in doubt and lost": {index(amd64, amd64), script{1: down, 2: lost}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2},
		"an index, one of two lost": {
			index(amd64, arm64), script{1: builtFor(amd64), 2: lost}, onBoth,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/arm64", 2,
		},
		"an index, one lost, one in doubt": {
			index(amd64, arm64), script{1: lost, 2: down}, onBoth, "RegistryUnavailable: no answer in time, for linux/arm64", 2,
		},
		"an index with many of a platform": {
			index(many...), nil, onAMD, "DeadlineExceeded: the index has more than 4 entries for one platform", 0,
		},
		"an index, nodes unknown": {
			index(amd64, arm64, platform("unknown", "unknown", "")), script{1: lost, 2: lost}, nil,
			"BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 2,
		},
		"an index, nodes unknown, one lost": {
			index(amd64, arm64), script{1: lost, 2: builtFor(arm64)}, nil,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/amd64", 2,
		},
		"a long index, nodes unknown": {
			index(many...), script{1: lost, 2: lost, 3: lost, 4: lost}, nil,
			"SomePlatforms: some platforms cannot be served: the registry has lost layer 1 of 2, for linux/amd64", 4,
		},
		"an index for others": {
			index(arm64), nil, onAMD, "PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 0,
		},
		"an index for some": {
			index(amd64), nil, onBoth,
			"SomePlatforms: some nodes are not served: the image index offers linux/amd64, the nodes are linux/amd64, linux/arm64", 0,
		},
		"an entry with a digest that is none": {
			withoutDigests(index(amd64)), nil, onAMD, "UnsupportedImage: the index gives a manifest an invalid digest, for linux/amd64", 0,
		},
		"an entry without a platform that fits": {index(none), script{1: builtFor(amd64)}, onAMD, "Pullable", 1},
		"an entry without a platform that does not": {
			index(none), script{1: builtFor(arm64)}, onAMD, "PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 1,
		},
		"an entry without a platform for an older processor": {
			index(none), script{1: builtFor(platform("linux", "386", ""))}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 1,
		},
		"an entry without a platform for one of two": {
			index(amd64, none), script{1: builtFor(amd64), 2: builtFor(arm64)}, onBoth,
			"SomePlatforms: the image index has an entry without a platform", 0,
		},
		"an entry without a platform beside one for others": {
			index(arm64, none), script{2: builtFor(amd64)}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 0,
		},
		"the first without a platform counts": {
			index(none, none), script{1: builtFor(arm64), 2: builtFor(amd64)}, onAMD,
			"PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64", 2,
		},
		"a lost entry without a platform": {index(none), script{1: lost}, onAMD, "BlobMissing: the registry has lost layer 1 of 2", 1},
		"an entry that names none anywhere": {
			index(none), script{1: {Reason: imagepull.ReasonPullable}}, onAMD,
			"SomePlatforms: the image index has an entry without a platform", 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inside := insides(test.inside)
			got := check(t, preflight.Options{
				Resolver:    &registry{script: map[string]imagepull.Verdict{image: test.image}},
				Deep:        inside,
				Credentials: &secrets{},
				Nodes:       test.nodes,
			}, image)
			if brief(got) != test.want {
				t.Errorf("got verdict %q, want %q", brief(got), test.want)
			}
			if asked := inside.questions(); len(asked) != test.asked {
				t.Errorf("looked into %v, want %d", asked, test.asked)
			}
		})
	}
}

// TestContentsForEachCredential: the kubelet begins anew with the next one, wherever the pull failed.
func TestContentsForEachCredential(t *testing.T) {
	t.Parallel()
	inside := &registry{script: map[string]imagepull.Verdict{
		repository + "@" + part(0) + " file/a": noLayer,
		repository + "@" + part(0) + " file/b": builtFor(platform("linux", "amd64", "")),
	}}
	got := check(t, preflight.Options{
		Resolver:    &registry{script: map[string]imagepull.Verdict{image: single()}},
		Deep:        inside,
		Credentials: &secrets{set: keys(t, "registry.example", "a", "b")},
	}, image)
	if brief(got) != "Pullable" || got.Credential != "file/b" {
		t.Errorf("got verdict %q by %s, want Pullable by file/b", brief(got), got.Credential)
	}
}
