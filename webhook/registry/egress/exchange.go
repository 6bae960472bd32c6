package egress

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/sync/semaphore"
)

// exchange sends a request, follows its redirects and decodes the response, within a timeout that includes the body.
type exchange struct {
	client  *http.Client
	timeout time.Duration
	// budget bounds the long bodies of all exchanges.
	budget *semaphore.Weighted
	// fallsBack reports whether a failed request may be sent again by plain HTTP; nil means never.
	fallsBack func(*url.URL, error) bool
}

// RoundTrip implements http.RoundTripper. After a redirect, the response may come from another host, which its Request names.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), e.timeout)
	resp, err := e.client.Do(req.WithContext(ctx))
	if err != nil && e.fallsBack != nil && e.fallsBack(req.URL, err) {
		plain := req.Clone(ctx)
		plain.URL.Scheme = "http"
		resp, err = e.client.Do(plain)
	}
	if err != nil {
		cancel()
		return nil, withRedirect(req, err)
	}
	p := newPlace(ctx, cancel, e, resp)
	resp.Body = &body{decode(req, resp, p), resp.Body, p}
	return resp, nil
}

// httpFallback returns the rule for the fallback to plain HTTP. A host without a port may refuse connections on port 443 and
// still serve plain HTTP on port 80.
func (p *Policy) httpFallback(configured bool) func(*url.URL, error) bool {
	return func(u *url.URL, err error) bool {
		host := Authority("http", u.Host)
		switch {
		case u.Scheme != "https":
			return false
		case errors.Is(err, http.ErrSchemeMismatch):
			return configured || p.allowsPlainHTTP(host)
		case errors.Is(err, syscall.ECONNREFUSED) && host != u.Host:
			return configured || p.insecure.MatchHost(host)
		}
		return false
	}
}
