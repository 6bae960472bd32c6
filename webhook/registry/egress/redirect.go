package egress

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
)

// maxRedirects is containerd's: the tenth redirect fails (core/remotes/docker/resolver.go, request.do).
const maxRedirects = 9

// ErrTooManyRedirects is the error of the tenth redirect.
var ErrTooManyRedirects = errors.New("too many redirects")

// followRedirects returns the policy for manifests and blobs. net/http copies all headers to the same host name, whatever the
// port, and to names below it. Elsewhere it leaves out Authorization. As in containerd, a redirect back to the first host is
// authorized again. Unlike a node, Pullgate withholds the configured header from all other host names, because its values may be
// secrets, and sends no Referer, because the names of images may be.
func followRedirects(header http.Header) func(req *http.Request, via []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		req.Header.Del("Referer")
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

// RedirectedError is the error of a request to another host, to which the first host redirected.
type RedirectedError struct{ Err error }

func (e *RedirectedError) Error() string { return "after a redirect: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *RedirectedError) Unwrap() error { return e.Err }

// withRedirect returns a RedirectedError if another host than the first request's caused the error. net/http names the
// address of the last request.
func withRedirect(first *http.Request, err error) error {
	e, ok := errors.AsType[*url.Error](err)
	if !ok {
		return err
	}
	if last, parseErr := url.Parse(e.URL); parseErr != nil || last.Host == first.URL.Host {
		return err
	}
	return &RedirectedError{err}
}

// stayOnHost is the policy for token services: a redirected POST carries the password.
func stayOnHost(req *http.Request, via []*http.Request) error {
	req.Header.Del("Referer")
	if len(via) > maxRedirects {
		return ErrTooManyRedirects
	}
	if req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return &ForbiddenError{"the token service redirects to another host"}
	}
	return nil
}
