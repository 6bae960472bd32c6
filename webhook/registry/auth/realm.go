package auth

import (
	"net/url"
	"strings"

	"golang.org/x/net/publicsuffix"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// checkRealm returns the URL of a token service, or an error if it may not receive a request. The registry chooses the realm, so
// a credential goes only to hosts that its owner expects.
func (s *Session) checkRealm(text string) (*url.URL, error) {
	realm, err := url.Parse(text)
	if err != nil || realm.Host == "" || realm.User != nil {
		return nil, &InvalidResponseError{Detail: "the registry names no valid token service"}
	}
	if s.credential.Password != "" && !s.isOwnService(realm) {
		return nil, &egress.ForbiddenError{Detail: "the registry's token service is on another domain, which egress.allow does not list"}
	}
	return realm, nil
}

// isOwnService reports whether a token service has the registrable domain of the endpoint or of its registry, or was chosen by
// the operator.
func (s *Session) isOwnService(realm *url.URL) bool {
	if s.client.options.Allows(realm.Host) || s.endpoint.Trusted.Contain(realm.Scheme, realm.Host) {
		return true
	}
	service, _ := hostpattern.SplitPort(strings.ToLower(realm.Host))
	for _, host := range s.endpoint.Hosts {
		own, _ := hostpattern.SplitPort(strings.ToLower(host))
		domain, err := publicsuffix.EffectiveTLDPlusOne(own)
		if service == own || err == nil && (service == domain || strings.HasSuffix(service, "."+domain)) {
			return true
		}
	}
	return false
}
