package credentials

import (
	"context"
	"iter"
	"slices"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Lookup yields the credentials that a kubelet tries for a repository such as "docker.io/library/nginx", in its order:
// pull secrets, config.json of the node, credential providers. It yields at least one credential: the anonymous one if
// nothing matches. If anything matches, the kubelet does not fall back to the anonymous one, even if the registry rejects
// every match.
//
// After the credentials, Lookup yields each problem that may hide further credentials of the nodes; the credential of such
// a pair is not valid. With a problem, the rejection of all credentials proves nothing.
//
// Providers run when their turn comes, and not at all if the caller stops at an earlier credential. The kubelet runs them
// first, but uses their credentials last. They get half of the time until the context's deadline, so that a slow
// provider leaves time for the registry.
func (s Set) Lookup(ctx context.Context, repository string) iter.Seq2[imagepull.Credential, Problem] {
	return func(yield func(imagepull.Credential, Problem) bool) {
		known := slices.Concat(s.Keyring.Lookup(repository), s.node.dockerConfig.Lookup(repository))
		for _, credential := range known {
			if !yield(credential, Problem{}) {
				return
			}
		}
		provided, problems := s.node.provide(ctx, repository)
		if len(known)+len(provided) == 0 {
			provided = []imagepull.Credential{{}}
		}
		for _, credential := range provided {
			if !yield(credential, Problem{}) {
				return
			}
		}
		for _, problem := range slices.Concat(s.node.problems, problems) {
			if !yield(imagepull.Credential{}, problem) {
				return
			}
		}
	}
}

// First returns the first credential that Lookup yields. It returns ok=false if a provider has to run for it.
func (s Set) First(repository string) (first imagepull.Credential, ok bool) {
	for _, keyring := range []Keyring{s.Keyring, s.node.dockerConfig} {
		if found := keyring.Lookup(repository); len(found) > 0 {
			return found[0], true
		}
	}
	return imagepull.Credential{}, s.node.providers == nil
}

// provide returns the credentials of the providers for a repository.
func (s nodeSet) provide(ctx context.Context, repository string) ([]imagepull.Credential, []Problem) {
	if s.providers == nil {
		return nil, nil
	}
	ctx, cancel := withHalfDeadline(ctx)
	defer cancel()
	keyring, problems := s.providers.Provide(ctx, repository)
	return keyring.Lookup(repository), problems
}

// withHalfDeadline returns a context with half of the time that is left.
func withHalfDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}
