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

// followRedirects returns the policy for manifests and blobs. net/http copies all headers to the same host name, whatever the
// port, and to names below it. Elsewhere it leaves out Authorization. As in containerd, a redirect back to the first host is
// authorized again. Unlike a node, Pullgate withholds the configured header from all other host names, because its values may
// be secrets.
func followRedirects(header http.Header) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		switch {
		case len(via) > maxRedirects:
			return ErrTooManyRedirects
		case req.URL.Host == first.URL.Host && first.Header.Get("Authorization") != "":
			req.Header.Set("Authorization", first.Header.Get("Authorization"))
		case !IsSameName(req.URL.Host, first.URL.Host):
			for key := range header {
				if canonical := http.CanonicalHeaderKey(key); canonical != "Accept" && canonical != "User-Agent" {
					delete(req.Header, key)
				}
			}
		}
		return nil
	}
}

// IsSameName reports whether two hosts have the same name, on any port.
func IsSameName(a, b string) bool {
	name, _ := hostpattern.SplitPort(a)
	other, _ := hostpattern.SplitPort(b)
	return strings.EqualFold(name, other)
}

// Redirection describes how a response was redirected.
type Redirection struct {
	// Foreign reports that another host sent the response.
	Foreign bool
	// Withheld reports that the host did not receive the credential, or the configured header, of the first request.
	Withheld bool
	// Authorized reports that the host received the credential.
	Authorized bool
}

// RedirectionOf returns the Redirection of a response.
func RedirectionOf(resp *http.Response) Redirection {
	last, first := resp.Request, resp.Request
	for first.Response != nil {
		first = first.Response.Request
	}
	r := Redirection{
		Foreign:    last.URL.Host != first.URL.Host,
		Authorized: last.Header.Get("Authorization") != "",
	}
	for key := range first.Header {
		if _, ok := last.Header[key]; !ok {
			r.Withheld = true
		}
	}
	return r
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
