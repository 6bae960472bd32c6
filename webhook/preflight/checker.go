// Package preflight foretells the pulls of a pod.
//
// A [Checker] does what the kubelet would do once the pod is there: collect the credentials, and try each of them for each
// image until one works. It does so for all images at once, asks each distinct image only once, and answers for every use,
// come what may: what it can't find out in time is a finding too.
//
// An image that resolves is looked into besides, if that is wanted: into its manifest, or those of an index that the nodes
// would fetch.
package preflight

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// Resolver says whether a reference could be pulled with one credential.
type Resolver interface {
	Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
}

// Memory answers as a Resolver would, at once or not at all.
type Memory interface {
	Recall(ref imagepull.Reference, cred imagepull.Credential) (v imagepull.Verdict, known bool)
}

// Credentials returns the credentials that the kubelet has for a pod. FreshCredentials uses no cache.
type Credentials interface {
	Credentials(ctx context.Context, pod imagepull.Pod) credentials.Set
	FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set
}

// Options configure a Checker.
type Options struct {
	Resolver Resolver
	// Memory is asked before Resolver. It may be nil.
	Memory Memory
	// Contents asks for all that a manifest, by digest, refers to. It may be nil: then a manifest that is there counts as
	// an image that is there.
	Contents    Resolver
	Credentials Credentials
	// Nodes may be nil: then platforms are not compared, and nodes hold no image.
	Nodes Nodes
	// Runtime pulls the images on the nodes; containerd when empty. LocalImagePull says that containerd does so by its CRI plugin.
	Runtime        imagepull.Runtime
	LocalImagePull bool
	// CredentialedRegistries are hosts where the nodes have identities that Pullgate can't see.
	CredentialedRegistries hostpattern.List
	// SkipRegistries are hosts that are never asked.
	SkipRegistries hostpattern.List
	// MaxUses bounds how many images of one object are looked at, whatever its author wrote.
	MaxUses int
}

// Checker foretells pulls. It is safe for concurrent use.
type Checker struct{ options Options }

// New returns a Checker.
func New(o Options) *Checker {
	if o.Nodes == nil {
		o.Nodes = nodes.Declared(nil)
	}
	return &Checker{options: o}
}

// question is what all uses of a pod have in common.
type question struct {
	set        credentials.Set
	candidates nodes.Candidates
}

// Check returns one finding for each use of the pod, in their order, not later than the context's deadline. The pod's spec
// says which nodes it may run on; nil stands for all.
func (c *Checker) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	ctx = resolve.WithTenant(ctx, pod.Namespace)
	findings := make([]imagepull.Finding, len(pod.Uses))
	profile := nodes.Profile{Runtime: c.options.Runtime, LocalImagePull: c.options.LocalImagePull}
	q := question{candidates: c.options.Nodes.Candidates(spec).Under(profile)}
	var open []int
	for i, use := range pod.Uses {
		findings[i] = imagepull.Finding{Use: use}
		if v, known := c.withoutAsking(i, use, q.candidates); known {
			findings[i].Verdict = forUse(v, use)
		} else {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return findings
	}
	q.set = c.options.Credentials.Credentials(ctx, pod)
	c.ask(ctx, q, findings, open)
	if q.set.FromCache && anyUnpullable(findings, open) {
		// Nobody is refused on the strength of a secret that was corrected a moment ago.
		if now := c.options.Credentials.FreshCredentials(ctx, pod); !now.Equal(q.set) {
			q.set = now
			c.ask(ctx, q, findings, open)
		}
	}
	adviseMissing(q.set, findings)
	return findings
}

// withoutAsking returns the verdicts that need no registry.
func (c *Checker) withoutAsking(i int, use imagepull.Use, candidates nodes.Candidates) (imagepull.Verdict, bool) {
	switch {
	case use.ParseError != "":
		return imagepull.Verdict{Reason: imagepull.ReasonInvalidImageName, Detail: use.ParseError}, true
	case c.options.SkipRegistries.MatchHost(use.Reference.Domain):
		return imagepull.Verdict{Reason: imagepull.ReasonNotChecked, Detail: "the registry is on the list of those to skip"}, true
	case c.options.MaxUses > 0 && i >= c.options.MaxUses:
		return imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: "the object has more images than Pullgate looks at",
		}, true
	case use.IsShort() && (c.options.Runtime == imagepull.RuntimeCRIO || candidates.MayRunCRIO()):
		return shortName(use.Reference), true
	case use.PullPolicy == imagepull.PullNever:
		return never(candidates.Holding(use.Reference)), true
	case use.PullPolicy == imagepull.PullIfNotPresent && candidates.Holding(use.Reference) == nodes.Everywhere:
		return present(), true
	}
	return imagepull.Verdict{}, false
}

// ask fills in the verdicts of the open findings, asking for each distinct reference once and for all at the same time.
func (c *Checker) ask(ctx context.Context, q question, findings []imagepull.Finding, open []int) {
	verdicts := make(map[imagepull.Reference]*imagepull.Verdict)
	var all group
	for _, i := range open {
		ref := findings[i].Reference
		if verdicts[ref] != nil {
			continue
		}
		v := new(imagepull.Verdict)
		verdicts[ref] = v
		if known, ok := c.recalled(q.set, ref); ok {
			*v = onPlatforms(known, q.candidates)
			continue
		}
		all.run(func() { *v = onPlatforms(c.verdict(ctx, q, ref), q.candidates) })
	}
	all.wait()
	for _, i := range open {
		use := findings[i].Use
		v := unlessHeld(*verdicts[use.Reference], use, q.candidates)
		findings[i].Verdict = forUse(unlessHeldInPart(v, use, q.candidates), use)
	}
}

// forUse excuses a volume that nothing mounts: the kubelet fails to pull it, and starts every container all the same. Nor does
// it matter what processor the files of a volume were built for.
func forUse(v imagepull.Verdict, use imagepull.Use) imagepull.Verdict {
	if use.Kind == imagepull.Volume {
		v.Warnings = slices.DeleteFunc(slices.Clone(v.Warnings), func(a imagepull.Warning) bool {
			return a.Reason == imagepull.WarningWrongArchitecture
		})
	}
	if !use.Unmounted || v.Outcome() != imagepull.Unpullable {
		return v
	}
	return imagepull.Verdict{
		Reason: imagepull.ReasonNotChecked,
		Detail: "no container mounts the volume",
		Warnings: []imagepull.Warning{{
			Reason:  imagepull.WarningUnmountedImageVolume,
			Message: "no container mounts the volume, whose image cannot be pulled: " + v.Detail,
		}},
		Origin: v.Origin,
		Age:    v.Age,
	}
}

// adviseMissing remarks once a pod on pull secrets that don't exist, where the pull works without them.
func adviseMissing(set credentials.Set, findings []imagepull.Finding) {
	if len(set.Missing) == 0 {
		return
	}
	for i := range findings {
		if findings[i].Reason == imagepull.ReasonPullable {
			// A verdict's own advice may be shared, with other uses or a cache.
			findings[i].Warnings = append(slices.Clip(findings[i].Warnings), imagepull.Warning{
				Reason:  imagepull.WarningPullSecretMissing,
				Message: missingDetail(set.Missing),
			})
			return
		}
	}
}

func anyUnpullable(findings []imagepull.Finding, open []int) bool {
	return slices.ContainsFunc(open, func(i int) bool { return findings[i].Outcome() == imagepull.Unpullable })
}
