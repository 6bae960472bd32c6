package preflight

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// maxDeepManifests bounds the manifests of one index that are checked for one platform of the nodes, and in all if that is not
// known. The author of an index may list thousands.
const maxDeepManifests = 4

// deepCheck checks whether the registry serves all parts of one image that a node would fetch.
type deepCheck struct {
	resolver   Resolver
	reference  imagepull.Reference
	credential imagepull.Credential
	candidates nodes.Candidates
	// verdicts holds the verdict on each manifest, by its digest.
	verdicts map[string]imagepull.Verdict
}

func newDeepCheck(r Resolver, ref imagepull.Reference, cred imagepull.Credential, candidates nodes.Candidates) deepCheck {
	return deepCheck{r, ref, cred, candidates, make(map[string]imagepull.Verdict)}
}

// run returns the verdict on an image that resolves. A failure keeps the digest, which marks it as a failure after the image
// was resolved. It is confirmed if the digest is, too.
func (d deepCheck) run(ctx context.Context, resolved imagepull.Verdict) imagepull.Verdict {
	if resolved.Digest == "" {
		return resolved
	}
	v := d.image(ctx, resolved)
	v.Digest, v.Origin = resolved.Digest, cmp.Or(v.Origin, resolved.Origin)
	v.Confirmed = v.Confirmed && resolved.Confirmed
	return v
}

func (d deepCheck) image(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if !v.IsIndex {
		return d.single(ctx, v)
	}
	switch fit, _ := d.candidates.Serve(v.Platforms); fit {
	case nodes.All:
		return d.index(ctx, v)
	case nodes.Unknown:
		return d.withoutPlatforms(ctx, v)
	case nodes.NoCandidate, nodes.Some, nodes.None:
	}
	return v
}

// single checks an image of one manifest. It is pulled on every platform, but runs only on its own.
func (d deepCheck) single(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	checked := d.manifest(ctx, v.Digest)
	if checked.Outcome() != imagepull.Pullable {
		return checked
	}
	v.Platforms, v.Warnings = checked.Platforms, slices.Clip(checked.Warnings)
	for _, p := range v.Platforms {
		if runs, compared := d.candidates.CanRun(p); !runs && len(v.Warnings) == 0 {
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
func (d deepCheck) index(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	platforms, all := d.candidates.FetchedEntries(v.Platforms)
	if len(platforms) == 0 {
		platforms, all = anyRunnable(v.Platforms)
	}
	var failures []imagepull.Verdict
	for _, entries := range platforms {
		if failed := d.entries(ctx, v, entries); failed.Reason != "" {
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
func (d deepCheck) entries(ctx context.Context, index imagepull.Verdict, entries []int) imagepull.Verdict {
	if len(entries) > maxDeepManifests {
		return imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: fmt.Sprintf("the index has more than %d entries for one platform", maxDeepManifests),
		}
	}
	var failed imagepull.Verdict
	for _, i := range entries {
		switch v := withPlatform(d.manifest(ctx, index.Digests[i]), index.Platforms[i]); v.Outcome() {
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

// withoutPlatforms checks an index whose entries name no platform. A node reads it from the configurations, and the first
// entry's counts (containerd: core/images/image.go, Manifest).
//
// If other entries name a platform, the verdict stays SomePlatforms. containerd 2 needs the first such entry, fetched or not,
// to compute the size of the image (core/images/usage/calculator.go); 1.7 does not.
func (d deepCheck) withoutPlatforms(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	var entries []int
	for i, p := range v.Platforms {
		if hasNoPlatform(p) {
			entries = append(entries, i)
		}
	}
	if len(entries) == 0 || len(entries) < len(v.Platforms) {
		return v
	}
	if failed := d.entries(ctx, v, entries); failed.Reason != "" {
		return failed
	}
	first := d.manifest(ctx, v.Digests[entries[0]])
	if len(first.Platforms) == 0 {
		return v
	}
	return d.withFirstPlatform(ctx, v, first.Platforms[0])
}

// withFirstPlatform compares the platform of the first entry with the nodes. If a node only runs it as an older architecture,
// v is returned unchanged: a node takes such an entry too.
func (d deepCheck) withFirstPlatform(ctx context.Context, v imagepull.Verdict, p imagepull.Platform) imagepull.Verdict {
	first := v
	first.Platforms, first.Digests = []imagepull.Platform{p}, v.Digests[:1]
	if fit, _ := d.candidates.Serve(first.Platforms); fit == nodes.All {
		return d.index(ctx, first)
	}
	if runs, _ := d.candidates.CanRun(p); runs {
		return v
	}
	return first
}

// manifest returns the verdict on one manifest with all that it refers to. It sends the requests for a digest only once.
func (d deepCheck) manifest(ctx context.Context, digest string) imagepull.Verdict {
	if digest == "" {
		return imagepull.Verdict{
			Reason: imagepull.ReasonUnsupportedImage, Detail: "the index has an invalid digest for a manifest",
			Confirmed: true, // by the digest of the index
		}
	}
	v, ok := d.verdicts[digest]
	if !ok {
		ref := imagepull.Reference{Domain: d.reference.Domain, Path: d.reference.Path, Digest: digest}
		v = d.resolver.Resolve(ctx, ref, d.credential)
		d.verdicts[digest] = v
	}
	return v
}

// anyRunnable returns the runnable entries of an index, each for a platform of its own, and reports whether these are all. The
// nodes' platforms are not known.
func anyRunnable(offered []imagepull.Platform) (platforms [][]int, all bool) {
	for i, p := range offered {
		if hasNoPlatform(p) || p.OS == "unknown" {
			continue
		}
		if len(platforms) == maxDeepManifests {
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
