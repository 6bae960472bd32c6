package main

import (
	"maps"
	"slices"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

// What becomes of a pod.
const (
	allowed      = "allow"
	unavailable  = "warn RegistryUnavailable"
	limited      = "warn RateLimited"
	notFollowed  = "warn EgressForbidden"
	tooLate      = "warn DeadlineExceeded"
	absent       = "deny NotFound"
	accessDenied = "deny AccessDenied"
	unsupported  = "deny UnsupportedImage"
	insecure     = "deny InsecureRegistry"
)

// fates are what becomes of a pod by where its registry misbehaves.
type fates struct{ everywhere, tokens, manifests, index string }

// anywhere is one fate for all places.
func anywhere(fate string) fates { return fates{fate, fate, fate, fate} }

// misdeedFates says it for each misdeed of package registry. A pod is denied for what containerd takes for an answer, and where
// that answer makes its pull fail; it is never denied for what containerd would try again, nor for what says that the
// registry is ill.
func misdeedFates() map[string]fates {
	return map[string]fates{
		"delay":             anywhere(unavailable),
		"hang":              anywhere(unavailable),
		"reset":             anywhere(unavailable),
		"slow and then 503": anywhere(unavailable),
		// A node would carry the password to wherever the token service sends it. Pullgate does not.
		"redirect to nowhere": {unavailable, notFollowed, unavailable, unavailable},
		"redirect loop":       anywhere(unavailable),

		// HEAD has no body, and tells of a single manifest all there is to ask. What GET would then bring to the node is not
		// looked at.
		"no bytes of the body": {unavailable, unavailable, allowed, unavailable},
		"half a body":          {unavailable, unavailable, allowed, unavailable},

		// What is no manifest by its type, or has no size, a node takes for a blob and can't unpack (containerd: core/remotes/
		// docker/resolver.go, getManifestMediaType; core/remotes/handlers.go, Fetch). An index has told both by HEAD, and
		// what GET then brings is something else, by its digest.
		"an empty answer": {unsupported, unavailable, unsupported, unavailable},
		"not JSON":        {unsupported, unavailable, unsupported, unavailable},
		// Nobody looks at the type of a token, nor of an index that is read by its digest (containerd: core/remotes/docker/
		// auth/fetch.go; core/remotes/docker/fetcher.go, open).
		"no headers that matter": {unsupported, allowed, unsupported, allowed},

		// Without a challenge there is nothing to try again with (containerd: core/remotes/docker/authorizer.go, AddResponses).
		"Unauthorized": anywhere(accessDenied),
		"Forbidden":    anywhere(accessDenied),
		// That there is no token service does not tell that there is no image.
		"Not Found": {absent, unavailable, absent, absent},

		"come back later":       anywhere(limited),
		"Too Many Requests":     anywhere(limited),
		"Bad Request":           anywhere(unavailable),
		"Method Not Allowed":    anywhere(unavailable),
		"Request Timeout":       anywhere(unavailable),
		"Internal Server Error": anywhere(unavailable),
		"Bad Gateway":           anywhere(unavailable),
		"Service Unavailable":   anywhere(unavailable),
		"Gateway Timeout":       anywhere(unavailable),
	}
}

func misfitFates() map[string]string {
	return map[string]string{
		"nothing listens":            unavailable,
		"a host that says nothing":   unavailable,
		"a host that hangs up":       unavailable,
		"a host of another protocol": unavailable,
		// Nodes speak TLS to all hosts but loopback (containerd: core/remotes/docker/config/hosts.go, ConfigureHosts).
		"a host without TLS": insecure,
		// Nodes may know the authority.
		"a certificate of nobody": unavailable,
	}
}

// TestNoFateIsLeftOver of a misdeed that is gone.
func TestNoFateIsLeftOver(t *testing.T) {
	t.Parallel()
	var names []string
	for _, m := range registry.FaultCases() {
		names = append(names, m.Name)
	}
	for _, m := range registry.BrokenHosts() {
		names = append(names, m.Name)
	}
	fated := slices.AppendSeq(slices.Collect(maps.Keys(misdeedFates())), maps.Keys(misfitFates()))
	for _, name := range fated {
		if !slices.Contains(names, name) {
			t.Errorf("%q is no misdeed and no misfit", name)
		}
	}
}
