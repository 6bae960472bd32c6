package egress

import (
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// maxRedirects is containerd's: the tenth redirect fails (core/remotes/docker/resolver.go, request.do).
const maxRedirects = 9

// ErrTooManyRedirects is the error of the tenth redirect.
var ErrTooManyRedirects = errors.New("too many redirects")

// followRedirects returns the policy for manifests and blobs. Another host does not receive the credential, or the header that
// is configured for the first host. Its 401 or 403 therefore does not mean that the credential lacks access. As in containerd, a
// redirect back to the first host is authorized again.
func followRedirects(header http.Header) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) > maxRedirects {
			return ErrTooManyRedirects
		}
		if req.URL.Host != via[0].URL.Host {
			for key := range header {
				delete(req.Header, key)
			}
			req.Header.Del("Authorization")
		} else if authorization := via[0].Header.Get("Authorization"); authorization != "" {
			req.Header.Set("Authorization", authorization)
		}
		return nil
	}
}

// stayOnHost is the policy for token services: a redirected POST carries the password.
func stayOnHost(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return ErrTooManyRedirects
	}
	if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return &ForbiddenError{"the token service redirects to another host"}
	}
	return nil
}

// Origins is a list of "scheme://host:port".
type Origins []string

// OriginOf returns the origin of a host, with the scheme's port if the host has none.
func OriginOf(scheme, host string) string {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + net.JoinHostPort(name, port)
}

// Contain reports whether the list has the origin of a host.
func (o Origins) Contain(scheme, host string) bool { return slices.Contains(o, OriginOf(scheme, host)) }
