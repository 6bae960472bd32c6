package auth

import (
	"net/url"
	"slices"

	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// ForeignServiceError is the error for a token service that may have another owner than the registry. A node sends it the
// credential, so that the pull may succeed.
type ForeignServiceError struct{}

func (*ForeignServiceError) Error() string {
	return "the registry's token service may have another owner"
}

// checkRealm returns the URL of a token service, or an error if it may not receive a request. The registry chooses the realm, so
// a credential goes only to hosts that its owner expects.
func (s *Session) checkRealm(c challenge) (*url.URL, error) {
	realm, err := url.Parse(c.realm)
	if err != nil || realm.Host == "" || realm.User != nil {
		return nil, &InvalidResponseError{Detail: "the registry names no valid token service"}
	}
	switch {
	case s.credential.Password == "", s.mayReceive(realm, c.overHTTP):
		return realm, nil
	case realm.Scheme == "http" && !c.overHTTP:
		return nil, &egress.ForbiddenError{Detail: "the registry refers to plain HTTP"}
	}
	return nil, &ForeignServiceError{}
}

// mayReceive reports whether a token service may receive the credential. It has the owner of the endpoint or of its registry, is
// a host of the same hosts.toml, or is named for the registry. Plain HTTP is for a registry that speaks plain HTTP itself.
func (s *Session) mayReceive(realm *url.URL, overHTTP bool) bool {
	if s.endpoint.Trusted.Contain(realm.Scheme, realm.Host) {
		return true
	}
	if realm.Scheme != "https" && !overHTTP {
		return false
	}
	return slices.ContainsFunc(s.endpoint.Hosts, func(registry string) bool {
		return haveSameOwner(registry, realm.Scheme, realm.Host) ||
			slices.ContainsFunc(s.client.services, func(known service) bool { return known.matches(registry, realm) })
	})
}
