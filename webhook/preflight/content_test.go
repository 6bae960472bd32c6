package preflight_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

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

func sized(v imagepull.Verdict, size int64) imagepull.Verdict {
	v.Size = size
	return v
}

func single() imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: manifestDigest(0)}
}

// index returns an index of these platforms. Its manifests have the numbers from 1 on.
func index(platforms ...imagepull.Platform) imagepull.Verdict {
	v := imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: manifestDigest(0), IsIndex: true, Platforms: platforms}
	for i := range platforms {
		v.Manifests = append(v.Manifests, imagepull.Descriptor{
			Digest: manifestDigest(i + 1), Size: manifestSize, Kind: imagepull.KindImage,
		})
	}
	return v
}

// manifestSize is the size in the descriptors of an index.
const manifestSize = 7

// withManifest returns an index whose first descriptor is changed.
func withManifest(v imagepull.Verdict, change func(d *imagepull.Descriptor)) imagepull.Verdict {
	change(&v.Manifests[0])
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
	elsewhere := withManifest(index(amd64), func(d *imagepull.Descriptor) { d.Elsewhere = true })
	lostManifest := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "the registry has lost the manifest"}
	withDigest := func(v imagepull.Verdict) imagepull.Verdict {
		v.Digest = manifestDigest(1)
		return v
	}
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
		"an entry with a defect": {
			withManifest(index(amd64), func(d *imagepull.Descriptor) { d.Defect = "no size" }), nil, onAMD,
			"UnsupportedImage: no size, for linux/amd64", 0,
		},
		"an entry that the registry need not serve, and does not": {elsewhere, script{1: lostManifest}, onAMD, "Pullable", 1},
		"an entry that the registry need not serve, no response":  {elsewhere, script{1: noResponse}, onAMD, "Pullable", 1},
		"an entry that the registry need not serve, missing layer": {
			elsewhere, script{1: withDigest(missingLayer)}, onAMD, "BlobMissing: the registry has lost layer 1 of 2, for linux/amd64", 1,
		},
		"an image that is an index": {
			single(), script{0: index()}, onAMD, "UnsupportedImage: the registry gives the index the media type of a manifest", 1,
		},
		"an image of another size": {
			sized(single(), 5), script{0: sized(builtFor(amd64), 6)}, onAMD, "UnsupportedImage: the registry states a wrong size of the manifest", 1,
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
				Contents:    deep,
				Deep:        true,
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

// By default the manifests of an index are requested, and read only if they contradict the index.
func TestManifestsOfAnIndex(t *testing.T) {
	t.Parallel()
	amd64, arm64, none := platform("linux", "amd64", ""), platform("linux", "arm64", ""), imagepull.Platform{}
	onAMD, onBoth := nodes.Declared{amd64}, nodes.Declared{amd64, arm64}
	found := imagepull.Verdict{Reason: imagepull.ReasonPullable, Size: manifestSize}
	unsized := imagepull.Verdict{Reason: imagepull.ReasonPullable}
	lost := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "lost"}
	busy := imagepull.Verdict{Reason: imagepull.ReasonRateLimited, Detail: "busy"}
	other := func(d *imagepull.Descriptor) { d.Kind = imagepull.KindOther }
	isIndex := func(d *imagepull.Descriptor) { d.Kind = imagepull.KindIndex }
	nested := func(platforms ...imagepull.Platform) imagepull.Verdict {
		v := sized(index(platforms...), manifestSize)
		for i := range v.Manifests {
			v.Manifests[i].Digest = manifestDigest(i + 11)
		}
		return v
	}
	endless := nested(amd64)
	endless.Manifests[0] = imagepull.Descriptor{Digest: manifestDigest(1), Size: manifestSize, Kind: imagepull.KindIndex}
	type script = map[int]imagepull.Verdict
	tests := map[string]struct {
		index           imagepull.Verdict
		requested, read script // the requests in each script are all sent
		nodes           nodes.Declared
		want            string
	}{
		"the nodes' platform":           {index(amd64, arm64), script{1: found}, nil, onAMD, "Pullable"},
		"two platforms":                 {index(amd64, arm64), script{1: found, 2: found}, nil, onBoth, "Pullable"},
		"of an unknown size":            {index(amd64), script{1: unsized}, nil, onAMD, "Pullable"},
		"missing":                       {index(amd64, arm64), script{1: lost}, nil, onAMD, "BlobMissing: lost, for linux/amd64"},
		"missing for one of two":        {index(amd64, arm64), script{1: found, 2: lost}, nil, onBoth, "SomePlatforms: some platforms cannot be served: lost, for linux/arm64"},
		"missing for another platform":  {index(amd64, arm64), script{2: found}, nil, nodes.Declared{arm64}, "Pullable"},
		"one of two for the platform":   {index(amd64, amd64), script{1: found, 2: lost}, nil, onAMD, "BlobMissing: lost, for linux/amd64"},
		"rate limited":                  {index(amd64), script{1: busy}, nil, onAMD, "RateLimited: busy, for linux/amd64"},
		"denied":                        {index(amd64), script{1: private}, nil, onAMD, "AccessDenied: private, for linux/amd64"},
		"unknown nodes":                 {index(amd64, arm64), script{1: found, 2: found}, nil, nil, "Pullable"},
		"no platform for the nodes":     {index(arm64), nil, nil, onAMD, "PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64"},
		"an entry without a platform":   {index(none), script{1: found}, nil, onAMD, "SomePlatforms: the image index has an entry without a platform"},
		"missing, without a platform":   {index(none), script{1: lost}, nil, onAMD, "BlobMissing: lost"},
		"missing, beside the platform":  {index(amd64, none), script{1: found, 2: lost}, nil, onAMD, "BlobMissing: lost"},
		"of a wrong size":               {index(amd64), script{1: sized(found, 8)}, script{1: sized(found, 8)}, onAMD, "UnsupportedImage: the index gives a wrong size for a manifest, for linux/amd64"},
		"HEAD states a wrong size":      {index(amd64), script{1: sized(found, 8)}, script{1: found}, onAMD, "Pullable"},
		"a wrong size, then no answer":  {index(amd64), script{1: sized(found, 8)}, script{1: noResponse}, onAMD, "RegistryUnavailable: no response in time, for linux/amd64"},
		"an index":                      {index(amd64), script{1: nested(amd64)}, script{1: nested(amd64)}, onAMD, "UnsupportedImage: the index gives an index the media type of a manifest, for linux/amd64"},
		"HEAD has the type of an index": {index(amd64), script{1: nested(amd64)}, script{1: found}, onAMD, "Pullable"},
		"with the type of an index":     {withManifest(index(amd64), isIndex), nil, script{1: found}, onAMD, "UnsupportedImage: the index gives a manifest the media type of an index, for linux/amd64"},
		"with another type":             {withManifest(index(amd64), other), nil, nil, onAMD, "UnsupportedImage: the index gives the manifest another media type, for linux/amd64"},
		"with another type, in second place": {
			index: withManifest(index(none, amd64), other), requested: script{2: found}, nodes: onAMD,
			want: "SomePlatforms: the index has an entry that is not a manifest by its media type",
		},
		"an index within the index":             {withManifest(index(amd64), isIndex), script{11: found}, script{1: nested(amd64, arm64)}, onAMD, "Pullable"},
		"an index within the index, missing":    {withManifest(index(amd64), isIndex), script{11: lost}, script{1: nested(amd64)}, onAMD, "BlobMissing: lost, for linux/amd64"},
		"a lost index within the index":         {withManifest(index(amd64), isIndex), nil, script{1: lost}, onAMD, "BlobMissing: lost, for linux/amd64"},
		"an index within the index, other size": {withManifest(index(amd64), isIndex), nil, script{1: sized(nested(amd64), 8)}, onAMD, "UnsupportedImage: the index gives a wrong size for a manifest, for linux/amd64"},
		"an index within the index, without the platform": {
			withManifest(index(amd64), isIndex), nil, script{1: nested(arm64)}, onAMD,
			"PlatformMismatch: the image index offers linux/arm64, the nodes are linux/amd64, for linux/amd64",
		},
		"an index within the index, without a platform of its own": {withManifest(index(none), isIndex), script{11: found}, script{1: nested(amd64)}, onAMD, "Pullable"},
		"an index within the index, beside the platform":           {withManifest(index(none, amd64), isIndex), script{2: found}, script{1: nested(arm64)}, onAMD, "Pullable"},
		"an index that holds itself": {
			withManifest(index(amd64), isIndex), nil, script{1: endless}, onAMD,
			"DeadlineExceeded: the image has more than 3 levels of indexes, for linux/amd64",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests, contents := deepResolver(test.requested), deepResolver(test.read)
			got := check(t, preflight.Options{
				Resolver:  &scriptedResolver{script: map[string]imagepull.Verdict{image: test.index}},
				Manifests: manifests, Contents: contents, Credentials: &secrets{}, Nodes: test.nodes,
			}, image)
			if summary(got) != test.want {
				t.Errorf("got verdict %q, want %q", summary(got), test.want)
			}
			for kind, r := range map[string]*scriptedResolver{"requested": manifests, "read": contents} {
				if diff := cmp.Diff(slices.Sorted(maps.Keys(r.script)), r.requests()); diff != "" {
					t.Errorf("%s manifests (-want +got):\n%s", kind, diff)
				}
			}
		})
	}
}

// Old runtimes and CRI-O do not compare a manifest with its descriptor.
func TestDescriptorsAreUncertainOnOtherRuntimes(t *testing.T) {
	t.Parallel()
	amd64 := platform("linux", "amd64", "")
	broken := withManifest(index(amd64), func(d *imagepull.Descriptor) { d.Defect = "no size" })
	lost := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "lost"}
	o := preflight.Options{
		Resolver:  &scriptedResolver{script: map[string]imagepull.Verdict{image: broken}},
		Manifests: deepResolver(nil), Credentials: &secrets{}, Nodes: nodes.Declared{amd64}, Runtime: imagepull.RuntimeCRIO,
	}
	old := newNode("a", "amd64")
	old.Status.NodeInfo.ContainerRuntimeVersion = "containerd://1.7.27"
	const want = "SomePlatforms: no size, which some nodes may accept, for linux/amd64"
	if got := summary(check(t, o, image)); got != want {
		t.Errorf("CRI-O: got verdict %q, want %q", got, want)
	}
	o.Runtime, o.Nodes = "", newSnapshot(t, old)
	if got := summary(check(t, o, image)); got != want {
		t.Errorf("containerd 1.7: got verdict %q, want %q", got, want)
	}
	o.Resolver = &scriptedResolver{script: map[string]imagepull.Verdict{image: index(amd64)}}
	o.Manifests = deepResolver(map[int]imagepull.Verdict{1: lost})
	if got, want := summary(check(t, o, image)), "BlobMissing: lost, for linux/amd64"; got != want {
		t.Errorf("a missing manifest: got verdict %q, want %q", got, want)
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
		Contents:    deep,
		Deep:        true,
		Credentials: &secrets{set: keys(t, "registry.example", "a", "b")},
	}, image)
	if summary(got) != "Pullable" || got.Credential != "file/b" {
		t.Errorf("got verdict %q by %s, want Pullable by file/b", summary(got), got.Credential)
	}
}

// asScripted confirms a verdict only if the script does.
type asScripted struct{ *scriptedResolver }

func (r asScripted) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return r.Resolve(ctx, ref, cred)
}

// A failure of the content is confirmed if both the index and the response about its manifest are.
func TestConfirmedContent(t *testing.T) {
	t.Parallel()
	amd64 := platform("linux", "amd64", "")
	broken := withManifest(index(amd64), func(d *imagepull.Descriptor) { d.Defect = "no size" })
	lost := imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: "lost"}
	confirmed := func(v imagepull.Verdict) imagepull.Verdict {
		v.Confirmed, v.Origin = true, imagepull.OriginRegistry
		return v
	}
	for name, test := range map[string]struct {
		index, manifest imagepull.Verdict
		want            bool
	}{
		"a defect":                  {confirmed(broken), lost, true},
		"a defect, not confirmed":   {broken, lost, false},
		"missing":                   {confirmed(index(amd64)), confirmed(lost), true},
		"missing, not confirmed":    {confirmed(index(amd64)), lost, false},
		"missing, index not":        {index(amd64), confirmed(lost), false},
		"another size":              {confirmed(index(amd64)), confirmed(sized(pullable, 8)), true},
		"another size, once":        {confirmed(index(amd64)), sized(pullable, 8), false},
		"a media type of its index": {confirmed(index(amd64)), confirmed(index(amd64)), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			manifests := asScripted{deepResolver(map[int]imagepull.Verdict{1: test.manifest})}
			got := check(t, preflight.Options{
				Resolver:  asScripted{&scriptedResolver{script: map[string]imagepull.Verdict{image: test.index}}},
				Manifests: manifests, Contents: manifests, Credentials: &secrets{}, Nodes: nodes.Declared{amd64},
			}, image)
			if denied := got.Outcome() == imagepull.Unpullable && got.Confirmed; denied != test.want {
				t.Errorf("got %q from %q, confirmed: %t; want a confirmed denial: %t", summary(got), got.Origin, got.Confirmed, test.want)
			}
		})
	}
}
