package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// Bounds of the manifests of one index. Its author may list thousands.
const (
	// maxManifests bounds the manifests that are checked for one platform of the nodes, and in all if that is not known.
	maxManifests = 4
	// maxLevels bounds the indexes within indexes.
	maxLevels = 3
)

// contentCheck checks whether a node could fetch what an image refers to. That is the manifests of an index for the node's
// platform. With a deep check it is all parts of the image.
type contentCheck struct {
	// manifests requests a manifest, and contents reads it.
	manifests, contents Resolver
	deep                bool
	reference           imagepull.Reference
	credential          imagepull.Credential
	candidates          nodes.Candidates
	// lenient means that a candidate may accept a manifest that contradicts its index: only containerd 2 compares them.
	lenient bool
	// level counts the indexes around the manifest. unselected means that a node fetches the manifest, and runs another one.
	level      int
	unselected bool
	// verdicts holds the verdict on each manifest.
	verdicts map[manifestKey]imagepull.Verdict
}

// manifestKey identifies a manifest that was requested, or read.
type manifestKey struct {
	digest string
	read   bool
}

func newContentCheck(f facts, cred imagepull.Credential) contentCheck {
	return contentCheck{
		manifests: f.manifests, contents: f.contents, deep: f.options.Deep,
		reference: f.reference, credential: cred, candidates: f.candidates,
		lenient:  f.options.Runtime == imagepull.RuntimeCRIO || f.candidates.MayPullSchema1(),
		verdicts: make(map[manifestKey]imagepull.Verdict),
	}
}

// run returns the verdict on an image that resolves. A failure keeps the digest, which marks it as a failure after the image
// was resolved. It is confirmed if the digest is, too.
func (c contentCheck) run(ctx context.Context, resolved imagepull.Verdict) imagepull.Verdict {
	if resolved.Digest == "" || c.manifests == nil && !c.deep {
		return resolved
	}
	v := c.image(ctx, resolved)
	v.Digest = resolved.Digest
	v.Origin, v.Credential = cmp.Or(v.Origin, resolved.Origin), cmp.Or(v.Credential, resolved.Credential)
	v.Confirmed = v.Confirmed && resolved.Confirmed
	return v
}

func (c contentCheck) image(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if !v.IsIndex {
		return c.single(ctx, v)
	}
	switch fit, _ := c.candidates.Serve(v.Platforms); fit {
	case nodes.All:
		return c.index(ctx, v)
	case nodes.Unknown:
		return c.withoutPlatforms(ctx, v)
	case nodes.NoCandidate, nodes.Some, nodes.None:
	}
	return v
}

// single checks an image of one manifest. It is pulled on every platform, but runs only on its own. That it exists is known.
func (c contentCheck) single(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if !c.deep {
		return v
	}
	checked := c.lookup(ctx, v.Digest, true)
	switch {
	case checked.Outcome() != imagepull.Pullable:
		return checked
	case checked.IsIndex:
		return c.unsupported(checked, "the registry gives the index the media type of a manifest")
	case checked.Size != v.Size && v.Size != 0:
		return c.unsupported(checked, "the registry states a wrong size of the manifest")
	}
	v.Platforms, v.Warnings = checked.Platforms, slices.Clip(checked.Warnings)
	for _, p := range v.Platforms {
		if runs, compared := c.candidates.CanRun(p); !runs && len(v.Warnings) == 0 {
			v.Warnings = append(v.Warnings, wrongArchitecture(p, compared))
		}
	}
	return v
}

func wrongArchitecture(p imagepull.Platform, compared []imagepull.Platform) imagepull.Warning {
	return imagepull.Warning{
		Reason:  imagepull.WarningWrongArchitecture,
		Message: fmt.Sprintf("built for %s, the nodes are %s: exec format error", list([]imagepull.Platform{p}), list(compared)),
	}
}

// index checks the manifests that the candidates fetch. If all of their platforms fail the image cannot be pulled, and if some
// fail the verdict is SomePlatforms.
func (c contentCheck) index(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	platforms, all := c.candidates.FetchedEntries(v.Platforms)
	if len(platforms) == 0 {
		platforms, all = anyRunnable(v.Platforms)
	}
	var failures []imagepull.Verdict
	for _, entries := range platforms {
		if failed := c.entries(ctx, v, entries); failed.Reason != "" {
			failures = append(failures, failed)
		}
	}
	switch {
	case len(failures) == 0:
		return v
	case len(failures) < len(platforms) || !all:
		weakened := weaken(failures[0], imagepull.ReasonSomePlatforms, "some platforms cannot be served: "+failures[0].Detail)
		v.Reason, v.Detail, v.Fix = weakened.Reason, weakened.Detail, weakened.Fix
		return v
	}
	return summarize(failures)
}

// entries checks the manifests that a node of one platform fetches; it needs all of them. It returns the first Unpullable
// verdict, else the first Indeterminate one, else the zero value.
func (c contentCheck) entries(ctx context.Context, index imagepull.Verdict, entries []int) imagepull.Verdict {
	if len(entries) > maxManifests {
		return imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: fmt.Sprintf("the index has more than %d entries for one platform", maxManifests),
		}
	}
	selected := selectedEntry(index.Platforms, entries)
	var failed imagepull.Verdict
	for _, i := range entries {
		entry := c
		entry.unselected = c.unselected || i != selected
		v := entry.manifest(ctx, index.Manifests[i])
		switch {
		case !entry.unselected && index.Manifests[i].Kind == imagepull.KindOther:
			v = c.unsupported(knownByDigest(), "the index gives the manifest another media type")
		case entry.unselected && v.Reason == imagepull.ReasonPlatformMismatch:
			continue
		case entry.unselected && c.deep && v.Reason == imagepull.ReasonUnsupportedImage:
			v = weaken(v, imagepull.ReasonSomePlatforms, v.Detail+", which matters only if a node runs this image")
		}
		if c.level == 0 {
			v = withPlatform(v, index.Platforms[i])
		}
		switch v.Outcome() {
		case imagepull.Pullable:
		case imagepull.Unpullable:
			return v
		case imagepull.Indeterminate:
			if failed.Reason == "" {
				failed = v
			}
		}
	}
	return failed
}

// selectedEntry returns the entry that a node runs: the first that names its platform, else the first without one (containerd:
// core/images/image.go, Manifest).
func selectedEntry(platforms []imagepull.Platform, entries []int) int {
	for _, i := range entries {
		if !hasNoPlatform(platforms[i]) {
			return i
		}
	}
	return entries[0]
}

// withoutPlatforms checks an index whose entries name no platform. A node reads it from the configurations, and the first
// entry's counts (containerd: core/images/image.go, Manifest).
//
// Beside entries that name a platform the verdict stays SomePlatforms. containerd 2 needs the first such entry, fetched or
// not, to compute the size of the image (core/images/usage/calculator.go). 1.7 does not.
func (c contentCheck) withoutPlatforms(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	var entries []int
	for i, p := range v.Platforms {
		if hasNoPlatform(p) {
			entries = append(entries, i)
		}
	}
	if len(entries) == 0 || len(entries) < len(v.Platforms) {
		return v
	}
	if failed := c.entries(ctx, v, entries); failed.Reason != "" {
		return failed
	}
	first := c.manifest(ctx, v.Manifests[entries[0]])
	switch {
	case first.IsIndex:
		v.Platforms, v.Manifests = first.Platforms, first.Manifests
		return v
	case len(first.Platforms) == 0:
		return v
	}
	return c.withFirstPlatform(ctx, v, first.Platforms[0])
}

// withFirstPlatform compares the platform of the first entry with the nodes. If a node only runs it as an older architecture,
// v is returned unchanged: a node takes such an entry too.
func (c contentCheck) withFirstPlatform(ctx context.Context, v imagepull.Verdict, p imagepull.Platform) imagepull.Verdict {
	first := v
	first.Platforms, first.Manifests = []imagepull.Platform{p}, v.Manifests[:1]
	if fit, _ := c.candidates.Serve(first.Platforms); fit == nodes.All {
		return c.index(ctx, first)
	}
	if runs, _ := c.candidates.CanRun(p); runs {
		return v
	}
	return first
}

// manifest returns the verdict on one manifest, by its descriptor, as a node judges it. A contradiction between the descriptor
// and the registry's response to HEAD denies nothing: the manifest is read then.
func (c contentCheck) manifest(ctx context.Context, d imagepull.Descriptor) imagepull.Verdict {
	switch {
	case d.Defect != "":
		return c.unsupported(knownByDigest(), d.Defect)
	case d.Elsewhere:
		return c.elsewhere(ctx, d)
	case d.Kind == imagepull.KindOther:
		return imagepull.Verdict{
			Reason: imagepull.ReasonSomePlatforms,
			Detail: "the index has an entry that is not a manifest by its media type",
		}
	}
	isIndex := d.Kind == imagepull.KindIndex
	read := c.deep || isIndex
	v := c.lookup(ctx, d.Digest, read)
	if contradicts := v.IsIndex || v.Size != 0 && v.Size != d.Size; !read && v.Outcome() == imagepull.Pullable && contradicts {
		v = c.lookup(ctx, d.Digest, true)
	}
	switch {
	case v.Reason == imagepull.ReasonUnsupportedImage && !c.deep:
		return c.unsupported(v, v.Detail)
	case v.Outcome() != imagepull.Pullable:
		return v
	case v.Size != 0 && v.Size != d.Size:
		return c.unsupported(v, "the index gives a wrong size for a manifest")
	case v.IsIndex && !isIndex:
		return c.unsupported(v, "the index gives an index the media type of a manifest")
	case !v.IsIndex && isIndex:
		return c.unsupported(v, "the index gives a manifest the media type of an index")
	case v.IsIndex:
		return c.nested(ctx, v)
	}
	return v
}

// elsewhere returns the verdict on a manifest that the index holds, or another host serves. The registry need not serve it, but a deep
// check can read the blobs only through the registry's copy.
func (c contentCheck) elsewhere(ctx context.Context, d imagepull.Descriptor) imagepull.Verdict {
	if c.deep && d.Kind == imagepull.KindImage {
		if v := c.lookup(ctx, d.Digest, true); v.Outcome() == imagepull.Unpullable && v.Digest != "" {
			return v
		}
	}
	return imagepull.Verdict{Reason: imagepull.ReasonPullable}
}

// nested returns the verdict on an index within an index, which a node reads as the outer one.
func (c contentCheck) nested(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if c.level++; c.level == maxLevels {
		return imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: fmt.Sprintf("the image has more than %d levels of indexes", maxLevels),
		}
	}
	return comparePlatforms(c.image(ctx, v), c.candidates)
}

// lookup requests or reads a manifest. It sends the requests for a digest only once.
func (c contentCheck) lookup(ctx context.Context, digest string, read bool) imagepull.Verdict {
	k := manifestKey{digest, read}
	v, ok := c.verdicts[k]
	if ok {
		return v
	}
	resolver := c.manifests
	if read {
		resolver = c.contents
	}
	ref := imagepull.Reference{Domain: c.reference.Domain, Path: c.reference.Path, Digest: digest}
	v = resolver.Resolve(ctx, ref, c.credential)
	c.verdicts[k] = v
	return v
}

// knownByDigest returns the verdict for a fact that the content of the index proves.
func knownByDigest() imagepull.Verdict { return imagepull.Verdict{Confirmed: true} }

// unsupported returns the verdict on a manifest that containerd 2 rejects, because of a verdict on its content.
func (c contentCheck) unsupported(v imagepull.Verdict, detail string) imagepull.Verdict {
	failed := replace(v, imagepull.ReasonUnsupportedImage, detail)
	if c.lenient {
		failed = replace(v, imagepull.ReasonSomePlatforms, detail+", which some nodes may accept")
	}
	failed.Credential, failed.Confirmed = v.Credential, v.Confirmed
	return failed
}

// anyRunnable returns the runnable entries of an index, each for a platform of its own, and reports whether these are all. The
// nodes' platforms are not known.
func anyRunnable(offered []imagepull.Platform) (platforms [][]int, all bool) {
	for i, p := range offered {
		if hasNoPlatform(p) || p.OS == "unknown" {
			continue
		}
		if len(platforms) == maxManifests {
			return platforms, false
		}
		platforms = append(platforms, []int{i})
	}
	return platforms, true
}

// withPlatform adds to the detail of a failure the platform of the index entry that failed.
func withPlatform(v imagepull.Verdict, p imagepull.Platform) imagepull.Verdict {
	if v.Outcome() == imagepull.Pullable || v.Detail == "" || hasNoPlatform(p) {
		return v
	}
	v.Detail += ", for " + p.String()
	return v
}
