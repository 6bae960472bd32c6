package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

// maxInspected bounds how many manifests of one index are looked into for one platform of the nodes, and in all where that is
// not known. Whoever made the index may have listed thousands.
const maxInspected = 4

// inspection is what looking into the manifests of one image takes.
type inspection struct {
	resolver   Resolver
	ref        imagepull.Reference
	credential imagepull.Credential
	candidates nodes.Candidates
	// found is what is known of manifests, by their digests.
	found map[string]imagepull.Verdict
}

func (c *Checker) inspection(ref imagepull.Reference, cred imagepull.Credential, candidates nodes.Candidates) inspection {
	return inspection{c.options.Contents, ref, cred, candidates, make(map[string]imagepull.Verdict)}
}

// of says what becomes of an image that resolves, once nodes fetch what it consists of. A failure bears the digest too,
// which tells it from one to resolve the image.
func (n inspection) of(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if v.Digest == "" {
		return v
	}
	found := n.judge(ctx, v)
	found.Digest = v.Digest
	return found
}

func (n inspection) judge(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	if !v.IsIndex {
		return n.single(ctx, v)
	}
	switch fit, _ := n.candidates.Serve(v.Platforms); fit {
	case nodes.All:
		return n.index(ctx, v)
	case nodes.Unknown:
		return n.unnamed(ctx, v)
	case nodes.NoCandidate, nodes.Some, nodes.None:
	}
	return v
}

// single looks into an image of one manifest, which pulls on every platform and runs on its own.
func (n inspection) single(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	found := n.look(ctx, v.Digest)
	if found.Outcome() != imagepull.Pullable {
		return found
	}
	v.Platforms, v.Warnings = found.Platforms, slices.Clip(found.Warnings)
	for _, p := range v.Platforms {
		if runs, wanted := n.candidates.CanRun(p); !runs && len(v.Warnings) == 0 {
			v.Warnings = append(v.Warnings, wrongArchitecture(p, wanted))
		}
	}
	return v
}

func wrongArchitecture(p imagepull.Platform, wanted []imagepull.Platform) imagepull.Warning {
	return imagepull.Warning{
		Reason:  imagepull.WarningWrongArchitecture,
		Message: fmt.Sprintf("built for %s, the nodes are %s: exec format error", list([]imagepull.Platform{p}), list(wanted)),
	}
}

// index looks into the manifests that the candidates fetch. The image can't be pulled if none of their platforms gets all
// of its own; if some do it is a doubt.
func (n inspection) index(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	choices, all := n.candidates.FetchedEntries(v.Platforms)
	if len(choices) == 0 {
		choices, all = anyRunnable(v.Platforms)
	}
	var failures []imagepull.Verdict
	for _, choice := range choices {
		if failed := n.choice(ctx, v, choice); failed.Reason != "" {
			failures = append(failures, failed)
		}
	}
	switch {
	case len(failures) == 0:
		return v
	case len(failures) < len(choices) || !all:
		return onSome(v, failures[0])
	}
	return worst(failures)
}

// choice looks into the manifests that a node of one platform fetches, all of which it needs, and returns the first
// certain failure, else the first doubt.
func (n inspection) choice(ctx context.Context, v imagepull.Verdict, choice []int) imagepull.Verdict {
	if len(choice) > maxInspected {
		return imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: "the index has more entries for one platform than Pullgate looks into",
		}
	}
	var failed imagepull.Verdict
	for _, i := range choice {
		switch found := forPlatform(n.look(ctx, v.Digests[i]), v.Platforms[i]); found.Outcome() {
		case imagepull.Pullable:
		case imagepull.Unpullable:
			return found
		case imagepull.Indeterminate:
			if failed.Reason == "" {
				failed = found
			}
		}
	}
	return failed
}

// unnamed looks into the entries of an index that name no platform, as nodes do to learn it. The first one's counts
// (containerd: core/images/image.go, Manifest). Beside entries that name one it stays a doubt: containerd 2 wants the first of
// those to be there, fetched or not, to tell the size of the image (core/images/usage/calculator.go), and 1.7 does not.
func (n inspection) unnamed(ctx context.Context, v imagepull.Verdict) imagepull.Verdict {
	var choice []int
	for i, p := range v.Platforms {
		if isUnnamed(p) {
			choice = append(choice, i)
		}
	}
	if len(choice) == 0 || len(choice) < len(v.Platforms) {
		return v
	}
	if failed := n.choice(ctx, v, choice); failed.Reason != "" {
		return failed
	}
	first := n.look(ctx, v.Digests[choice[0]])
	if len(first.Platforms) == 0 {
		return v
	}
	return n.named(ctx, v, first.Platforms[0])
}

// named judges an index by the platform of the entry that counts, if that leaves no doubt: a node takes such an entry even if
// it only runs an older kind of code.
func (n inspection) named(ctx context.Context, v imagepull.Verdict, p imagepull.Platform) imagepull.Verdict {
	told := v
	told.Platforms, told.Digests = []imagepull.Platform{p}, v.Digests[:1]
	if fit, _ := n.candidates.Serve(told.Platforms); fit == nodes.All {
		return n.index(ctx, told)
	}
	if runs, _ := n.candidates.CanRun(p); runs {
		return v
	}
	return told
}

// look asks for one manifest with all that it refers to, once.
func (n inspection) look(ctx context.Context, digest string) imagepull.Verdict {
	if digest == "" {
		return imagepull.Verdict{Reason: imagepull.ReasonUnsupportedImage, Detail: "the index gives a manifest an invalid digest"}
	}
	v, known := n.found[digest]
	if !known {
		ref := imagepull.Reference{Domain: n.ref.Domain, Path: n.ref.Path, Digest: digest}
		v = n.resolver.Resolve(ctx, ref, n.credential)
		n.found[digest] = v
	}
	return v
}

// anyRunnable chooses among all entries where any may be the one that counts, and reports whether these are all.
func anyRunnable(offered []imagepull.Platform) (choices [][]int, all bool) {
	for i, p := range offered {
		if isUnnamed(p) || p.OS == "unknown" {
			continue
		}
		if len(choices) == maxInspected {
			return choices, false
		}
		choices = append(choices, []int{i})
	}
	return choices, true
}

// onSome turns a failure on one of several platforms into doubt, and keeps its cause and its fix.
func onSome(v, failure imagepull.Verdict) imagepull.Verdict {
	v.Detail, v.Fix = "some platforms can't be served: "+failure.Detail, failure.Fix
	if v.Fix == "" {
		v.Fix = failure.Reason.Fix()
	}
	v.Reason = imagepull.ReasonSomePlatforms
	return v
}

// forPlatform says in a failure's detail which manifest of the index it concerns.
func forPlatform(v imagepull.Verdict, p imagepull.Platform) imagepull.Verdict {
	if v.Outcome() == imagepull.Pullable || v.Detail == "" || isUnnamed(p) {
		return v
	}
	v.Detail += ", for " + p.String()
	return v
}

// unlessHeldInPart is what a failure to fetch a part of an image comes to where a node may hold that part already: it fetches
// only what it lacks, whatever the pull policy. To resolve the image and to find its platform in it must succeed anyway.
func unlessHeldInPart(v imagepull.Verdict, use imagepull.Use, candidates nodes.Candidates) imagepull.Verdict {
	fetching := v.Outcome() == imagepull.Unpullable && v.Digest != "" && v.Reason != imagepull.ReasonPlatformMismatch
	if !fetching || !candidates.MayHaveLayers(use.Reference.Repository(), v.Digest) {
		return v
	}
	return onNode(v, "but a node may hold it already")
}

func isUnnamed(p imagepull.Platform) bool { return p.OS == "" && p.Architecture == "" }
