package preflight

import (
	"context"
	"fmt"
	"slices"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// lookup returns the verdict on one reference for all of its uses.
func (c *Checker) lookup(ctx context.Context, f facts) imagepull.Verdict {
	if invalid := f.credentials.Invalid; len(invalid) > 0 {
		return invalidPullSecret(invalid[0])
	}
	var v imagepull.Verdict
	v, f.nodeProblems = c.tryCredentials(ctx, f)
	return apply(c.referenceRules, v, f)
}

// tryCredentials tries each credential until one works, as the kubelet does (kubelet: pkg/kubelet/images/image_manager.go,
// pullImage). The kubelet continues after any failure, also after an index without its platform. A mirror, or a registry that shows each
// account another repository, may have another image for another credential. If none works it also returns the node
// credential sources that failed.
func (c *Checker) tryCredentials(ctx context.Context, f facts) (imagepull.Verdict, []credentials.Problem) {
	var (
		failures []imagepull.Verdict
		problems []credentials.Problem
	)
	for cred, problem := range f.credentials.Lookup(ctx, f.reference.Repository()) {
		if !problem.IsZero() {
			problems = append(problems, problem)
			continue
		}
		v := c.resolve(ctx, f, cred)
		if v.Outcome() == imagepull.Pullable {
			return v, nil
		}
		// After the deadline the other credentials still get a verdict, an Indeterminate one. The refusals before it prove
		// nothing.
		failures = append(failures, v)
	}
	return summarize(failures), problems
}

// resolve returns the verdict with one credential, for the candidate nodes. A check of the content follows if the image resolves.
func (c *Checker) resolve(ctx context.Context, f facts, cred imagepull.Credential) imagepull.Verdict {
	if cred.Withheld {
		return withheld(f.reference, cred)
	}
	v := f.images.Resolve(ctx, f.reference, cred)
	if v.Outcome() == imagepull.Pullable {
		v = newContentCheck(f, cred).run(ctx, v)
	}
	return forNodes(v, f.candidates)
}

// withheld is the verdict with the credential of Docker Hub on a host without a dot, which only the nodes can resolve. The kubelet
// takes its name for a user of Docker Hub (kubelet: pkg/credentialprovider/keyring.go, isDefaultRegistryMatch).
func withheld(ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return imagepull.Verdict{
		Reason:     imagepull.ReasonNodeLocalRegistry,
		Detail:     fmt.Sprintf("a node may send Docker Hub's credential from %s to the host %q, and Pullgate does not", cred, ref.Domain),
		Fix:        fmt.Sprintf("add an entry for %q to the pull secret", ref.Domain),
		Credential: cred.Source,
	}
}

// fromCache returns the verdict on an image that the first credential is known to pull. All other cases need a lookup.
func (c *Checker) fromCache(ctx context.Context, f facts) (imagepull.Verdict, bool) {
	if f.cache == nil || c.options.Deep || len(f.credentials.Invalid) > 0 {
		return imagepull.Verdict{}, false
	}
	cred, ok := f.credentials.First(f.reference.Repository())
	if !ok {
		return imagepull.Verdict{}, false
	}
	v, ok := f.cache.Cached(f.reference, cred)
	if !ok || v.Outcome() != imagepull.Pullable {
		return imagepull.Verdict{}, false
	}
	if v.IsIndex {
		check := newContentCheck(f, cred)
		check.manifests, check.contents = cacheOnly{c.options.ManifestCache}, cacheOnly{}
		if v = forNodes(check.run(ctx, v), f.candidates); v.Outcome() != imagepull.Pullable {
			return imagepull.Verdict{}, false
		}
	}
	return apply(c.referenceRules, v, f), true
}

// cacheOnly is a Resolver that sends no request. Without a cached verdict the verdict is Indeterminate.
type cacheOnly struct{ cache Cache }

func (c cacheOnly) Resolve(_ context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	if c.cache != nil {
		if v, ok := c.cache.Cached(ref, cred); ok {
			return v
		}
	}
	return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded}
}

// Confirm returns the cached verdict as Resolve does: a verdict of the cache denies nothing.
func (c cacheOnly) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return c.Resolve(ctx, ref, cred)
}

// invalidPullSecret is the verdict on every image of the pod: one entry that cannot be decoded fails all lookups of
// credentials, for any host (kubelet: pkg/credentialprovider/secrets/secrets.go, MakeDockerKeyring).
func invalidPullSecret(p credentials.Problem) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonInvalidPullSecret, Detail: p.String()}
}

// summarize returns one verdict for the failures of all credentials. An Indeterminate one wins: the kubelet may succeed later.
// Among certain failures the one that got furthest wins, since it has the most information. It is confirmed if all are.
func summarize(failures []imagepull.Verdict) imagepull.Verdict {
	chosen, confirmed := failures[0], failures[0].Confirmed
	for _, v := range failures[1:] {
		confirmed = confirmed && v.Confirmed
		if progress(v) > progress(chosen) {
			chosen = v
		}
	}
	chosen.Confirmed = confirmed
	if chosen.Reason != imagepull.ReasonAccessDenied {
		return chosen
	}
	if len(failures) > 1 {
		chosen.Detail = "the credentials from " + enumerate(sources(failures)) + " are refused"
	}
	if credentials.IsOfNode(chosen.Credential) {
		// The pod's author cannot change node credentials: suggest a pull secret.
		chosen.Fix = chosen.Reason.Fix()
	}
	return chosen
}

// progress returns how far an attempt got.
func progress(v imagepull.Verdict) int {
	switch {
	case v.Outcome() == imagepull.Indeterminate:
		return 3
	case v.Reason == imagepull.ReasonAccessDenied:
		return 0
	case v.Reason == imagepull.ReasonNotFound:
		return 1
	}
	return 2
}

// sources returns the distinct sources of the credentials, in order.
func sources(failures []imagepull.Verdict) []string {
	var all []string
	for _, v := range failures {
		if !slices.Contains(all, v.Credential) {
			all = append(all, v.Credential)
		}
	}
	return all
}
