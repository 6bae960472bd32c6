package faults

import (
	"maps"
	"slices"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

// The outcomes of an admission request: the decision, and the reason of a warning or denial.
const (
	allowed      = "allow"
	unavailable  = "warn RegistryUnavailable"
	rateLimited  = "warn RateLimited"
	forbidden    = "warn EgressForbidden"
	tooLate      = "warn DeadlineExceeded"
	notFound     = "deny NotFound"
	accessDenied = "deny AccessDenied"
	unsupported  = "deny UnsupportedImage"
	insecure     = "warn InsecureRegistry"
	notARegistry = "warn NotARegistry"
)

// outcomes holds the outcome of one fault, by the step of the pull at which the registry has it.
type outcomes struct{ everywhere, tokens, manifests, index string }

// same returns one outcome for every step.
func same(outcome string) outcomes { return outcomes{outcome, outcome, outcome, outcome} }

// faultOutcomes returns the expected outcomes of each fault of package registry, by name. A pod is denied only if containerd
// accepts the response and its pull then fails. A pod is never denied for a response that containerd would request again, or
// that shows a failure of the registry.
func faultOutcomes() map[string]outcomes {
	return map[string]outcomes{
		"delay":       same(unavailable),
		"hang":        same(unavailable),
		"reset":       same(unavailable),
		"delayed 503": same(unavailable),
		// A node would send the password to any host that the token service redirects to. Pullgate does not.
		"redirect to a closed port": {unavailable, forbidden, unavailable, unavailable},
		"redirect loop":             same(unavailable),

		// HEAD has no body, and is enough for a single manifest. The body that a node would GET later is not checked.
		"body truncated to 0 bytes":  {unavailable, unavailable, allowed, unavailable},
		"body truncated to 20 bytes": {unavailable, unavailable, allowed, unavailable},

		// Content without a manifest's type or a size is a blob to a node, which cannot unpack it (containerd: core/remotes/
		// docker/resolver.go, getManifestMediaType; core/remotes/handlers.go, Fetch). For an index, HEAD returned both. The
		// content of GET then differs from the index by its digest.
		"an empty response": {unsupported, unavailable, unsupported, unavailable},
		// A web page without a sign of the registry API may be a portal's. With that sign it is the registry's own.
		"not JSON": {notARegistry, unavailable, unsupported, unavailable},
		// Nodes do not read the content type of a token, or of an index that they request by digest (containerd: core/remotes/docker/
		// auth/fetch.go; core/remotes/docker/fetcher.go, open).
		"no content headers": {unsupported, allowed, unsupported, allowed},

		// Without a challenge, a second attempt is not possible (containerd: core/remotes/docker/authorizer.go, AddResponses).
		"Unauthorized": same(accessDenied),
		"Forbidden":    same(accessDenied),
		// A missing token service does not mean that the image is missing.
		"Not Found": {notFound, unavailable, notFound, notFound},

		"a challenge of every token": same(accessDenied),
		// Nodes decode manifests and tokens (containerd: core/remotes/docker/fetcher.go, open).
		"a compressed body": same(allowed),

		"429 with Retry-After":  same(rateLimited),
		"Too Many Requests":     same(rateLimited),
		"Bad Request":           same(unavailable),
		"Method Not Allowed":    same(unavailable),
		"Request Timeout":       same(unavailable),
		"Internal Server Error": same(unavailable),
		"Bad Gateway":           same(unavailable),
		"Service Unavailable":   same(unavailable),
		"Gateway Timeout":       same(unavailable),
	}
}

// brokenHostOutcomes returns the expected outcome of each host of package registry that is not a usable registry, by name.
func brokenHostOutcomes() map[string]string {
	return map[string]string{
		"a closed port":                      unavailable,
		"a host that never responds":         unavailable,
		"a host that closes each connection": unavailable,
		"a host with another protocol":       unavailable,
		// Nodes use TLS for every host but loopback (containerd: core/remotes/docker/config/hosts.go, ConfigureHosts).
		"a host without TLS": insecure,
		// The nodes may trust the certificate's authority.
		"a certificate of an unknown authority": unavailable,
	}
}

func TestEveryFaultHasAnExpectedOutcome(t *testing.T) {
	t.Parallel()
	var names []string
	for _, f := range registry.FaultCases() {
		names = append(names, f.Name)
	}
	for _, h := range registry.BrokenHosts() {
		names = append(names, h.Name)
	}
	expected := slices.AppendSeq(slices.Collect(maps.Keys(faultOutcomes())), maps.Keys(brokenHostOutcomes()))
	for _, name := range names {
		if !slices.Contains(expected, name) {
			t.Errorf("fault %q has no expected outcome", name)
		}
	}
	for _, name := range expected {
		if !slices.Contains(names, name) {
			t.Errorf("%q has an expected outcome and is not a fault of package registry", name)
		}
	}
}
