package preflight

import (
	"context"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/parallel"
)

// Resolver returns the verdict on a reference with one credential. Confirm does so after a second response of the registry: if
// both are the same, the verdict is Confirmed.
type Resolver interface {
	Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
	Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
}

// Cache returns the verdict that a Resolver would return, if it is pullable and no request is needed for it.
type Cache interface {
	Cached(ref imagepull.Reference, cred imagepull.Credential) (v imagepull.Verdict, ok bool)
}

// Credentials returns the credentials that the kubelet has for a pod. FreshCredentials uses no cache.
type Credentials interface {
	Credentials(ctx context.Context, pod imagepull.Pod) credentials.Set
	FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set
}

// Nodes returns the nodes that a pod may run on. A nil spec has no constraints.
type Nodes interface {
	Candidates(spec *corev1.PodSpec) nodes.Candidates
}

var (
	_ Nodes = (*nodes.Inventory)(nil)
	_ Nodes = (*nodes.Snapshot)(nil)
	_ Nodes = (nodes.Declared)(nil)
)

// Options configure a Checker.
type Options struct {
	Resolver Resolver
	// Cache is read before Resolver is called. It may be nil.
	Cache Cache
	// Manifests resolves a manifest of an index, by its digest, with one request. It may be nil: then an index is pullable if it
	// has an entry for the nodes. ManifestCache is read before Manifests is called, and may be nil.
	Manifests     Resolver
	ManifestCache Cache
	// Contents reads a manifest, by its digest, and resolves it with all blobs that it refers to. It is called for a manifest
	// that contradicts its index, and for an index within an index.
	Contents Resolver
	// Deep means that Contents is called for every manifest that a node fetches.
	Deep        bool
	Credentials Credentials
	// Nodes may be nil: then platforms are not compared, and no node has an image.
	Nodes Nodes
	// Runtime is the container runtime of the nodes; empty means containerd. LocalImagePull means that containerd pulls by its
	// CRI plugin.
	Runtime        imagepull.Runtime
	LocalImagePull bool
	// VerifyImages and MaxReportedImages are settings of the kubelets; their zero values are the kubelet's defaults.
	VerifyImages      imagepull.VerifyImages
	MaxReportedImages int
	// CredentialedRegistries are hosts where the nodes have an identity that Pullgate cannot see.
	CredentialedRegistries hostpattern.List
	// SkipRegistries are hosts that receive no request.
	SkipRegistries hostpattern.List
	// Placeholders are images that a mutating webhook replaces, where "*" stands for any characters. They are not checked in
	// a pod that is not admitted yet.
	Placeholders []string
	// MaxImages bounds the different images of one object that are checked, since the object's author controls their number. Zero
	// means no bound.
	MaxImages int
	// WithNamespace adds the pod's namespace to the context of a Resolver, which may limit requests by namespace. It may be
	// nil.
	WithNamespace func(ctx context.Context, namespace string) context.Context
}

// Checker predicts pulls. It is safe for concurrent use.
type Checker struct {
	options        Options
	prechecks      []precheck
	referenceRules []rule
	useRules       []rule
}

// New returns a Checker.
func New(o Options) *Checker {
	if o.Nodes == nil {
		o.Nodes = nodes.Declared(nil)
	}
	return &Checker{o, prechecks(), referenceRules(), useRules()}
}

// Check returns one finding for each use of the pod, in their order, not later than the context's deadline. The spec limits the
// nodes that the pod may run on; nil stands for all.
func (c *Checker) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	if c.options.WithNamespace != nil {
		ctx = c.options.WithNamespace(ctx, pod.Namespace)
	}
	shared := &podFacts{
		options: &c.options, pod: &pod, candidates: c.candidates(spec),
		images: c.options.Resolver, manifests: c.options.Manifests, contents: c.options.Contents, cache: c.options.Cache,
	}
	shared.overLimit = overLimit(pod.Uses, c.options.MaxImages)
	findings := make([]imagepull.Finding, len(pod.Uses))
	open := make([]int, 0, len(pod.Uses))
	for i := range pod.Uses {
		findings[i].Use = pod.Uses[i]
		if v, decided := runPrechecks(c.prechecks, shared.forUse(&findings[i].Use)); decided {
			findings[i].Verdict = v
		} else {
			open = append(open, i)
		}
	}
	if len(open) == 0 {
		return findings
	}
	if shared.present = shared.presentReferences(findings, open); shared.arePresent(findings, open) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxPresentWait)
		defer cancel()
	}
	shared.credentials = c.options.Credentials.Credentials(ctx, pod)
	c.lookupAll(ctx, shared, findings, open)
	if shared.credentials.FromCache && anyMayDeny(findings, open) {
		// Before denying, read cached secrets again: one may just have been fixed.
		if fresh := c.options.Credentials.FreshCredentials(ctx, pod); !fresh.Equal(shared.credentials) {
			shared.credentials = fresh
			c.lookupAll(ctx, shared, findings, open)
		}
	}
	c.confirm(ctx, shared, spec, findings, open)
	return findings
}

// candidates returns the nodes of this moment that a pod may run on.
func (c *Checker) candidates(spec *corev1.PodSpec) nodes.Candidates {
	return c.options.Nodes.Candidates(spec).WithProfile(nodes.Profile{
		Runtime:           c.options.Runtime,
		LocalImagePull:    c.options.LocalImagePull,
		VerifyImages:      c.options.VerifyImages,
		MaxReportedImages: c.options.MaxReportedImages,
	})
}

// maxPresentWait bounds the lookup of an image that every node has, since its result is only a warning.
const maxPresentWait = time.Second

// lookupAll sets the verdicts of the open findings. It looks up each distinct reference once, all of them in parallel.
func (c *Checker) lookupAll(ctx context.Context, shared *podFacts, findings []imagepull.Finding, open []int) {
	ctx, denied, cancel := leavingConfirmTime(ctx)
	defer cancel()
	short := ctx
	if len(shared.present) > 0 {
		var cancel context.CancelFunc
		short, cancel = context.WithTimeout(ctx, maxPresentWait)
		defer cancel()
	}
	var lookups parallel.Group
	waits := false
	for n, i := range open {
		if first := sameReference(findings, open[:n], i); first != i {
			continue
		}
		ref, v := findings[i].Reference, &findings[i].Verdict
		if cached, ok := c.fromCache(ctx, shared.forReference(ref)); ok {
			// Fast path: a cache hit needs no goroutine.
			*v = cached
			continue
		}
		bounded := ctx
		if shared.present[ref] {
			bounded = short
		}
		waits = true
		lookups.Go(func() {
			if *v = c.lookup(bounded, shared.forReference(ref)); needsConfirmation(*v) {
				denied()
			}
		})
	}
	lookups.Wait()
	if waits {
		shared.presences = nil // a node may have got an image meanwhile
	}
	for n, i := range open {
		findings[i].Verdict = findings[sameReference(findings, open[:n], i)].Verdict
	}
	for _, i := range open {
		findings[i].Verdict = apply(c.useRules, findings[i].Verdict, shared.forUse(&findings[i].Use))
	}
}

// sameReference returns the first of the findings with the reference of finding i, or i. A pod has so few images that a search
// takes less time than a map.
func sameReference(findings []imagepull.Finding, before []int, i int) int {
	for _, first := range before {
		if findings[first].Reference == findings[i].Reference {
			return first
		}
	}
	return i
}

// anyMayDeny reports whether an open finding may deny the pod because of its secrets.
func anyMayDeny(findings []imagepull.Finding, open []int) bool {
	return slices.ContainsFunc(open, func(i int) bool {
		return findings[i].Outcome() == imagepull.Unpullable || findings[i].Reason == imagepull.ReasonPullSecretMissing
	})
}

// presentReferences returns the references of the open findings that no kubelet pulls: every node has the image, for all of its uses.
func (p *podFacts) presentReferences(findings []imagepull.Finding, open []int) map[imagepull.Reference]bool {
	isPresent := func(use *imagepull.Use) bool {
		return use.PullPolicy == imagepull.PullIfNotPresent && p.presence(use.Reference) == nodes.AllNodes
	}
	var present map[imagepull.Reference]bool
	for _, i := range open {
		if use := &findings[i].Use; isPresent(use) {
			if present == nil {
				present = make(map[imagepull.Reference]bool)
			}
			present[use.Reference] = true
		}
	}
	for _, i := range open {
		if use := &findings[i].Use; present != nil && !isPresent(use) {
			delete(present, use.Reference)
		}
	}
	return present
}

// arePresent reports whether no image of the open findings is pulled.
func (p *podFacts) arePresent(findings []imagepull.Finding, open []int) bool {
	return !slices.ContainsFunc(open, func(i int) bool { return !p.present[findings[i].Reference] })
}
