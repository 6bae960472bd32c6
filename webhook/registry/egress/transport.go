package egress

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
)

// byHost sends each request by the transport of its host.
type byHost struct {
	host        string
	own, others *transport
}

// RoundTrip implements http.RoundTripper.
func (b *byHost) RoundTrip(req *http.Request) (*http.Response, error) {
	if IsSameName(req.URL.Host, b.host) {
		return b.own.RoundTrip(req)
	}
	return b.others.RoundTrip(req)
}

// transport sends single requests, redirected ones included, to the hosts that the policy allows.
type transport struct {
	policy     *Policy
	plainHTTP  Origins // see TransportOptions
	direct     *connections
	proxied    *connections // nil without a proxy
	logPrivate func(host, cause string)
}

func newTransport(o Options, t TransportOptions, config *tls.Config) *transport {
	policy := o.Policy.trusting(t.Trusted)
	made := &transport{policy: policy, plainHTTP: t.PlainHTTP, logPrivate: o.LogPrivate}
	made.direct = newConnections(newHTTPTransport(o, t.DialTimeout, policy.dial, config.Clone()))
	if o.Proxy != nil {
		unchecked := new(net.Dialer).DialContext
		made.proxied = newConnections(throughProxy(newHTTPTransport(o, t.DialTimeout, unchecked, config.Clone()), o.Proxy))
	}
	return made
}

func (t *transport) closeIdleConnections() {
	t.direct.CloseIdleConnections()
	if t.proxied != nil {
		t.proxied.CloseIdleConnections()
	}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	host := Authority(req.URL.Scheme, req.URL.Host)
	switch {
	case t.policy.Denies(host):
		return nil, &ForbiddenError{"the registry refers to a host on the list of forbidden hosts"}
	case t.policy.isAPIServer(host) && !t.policy.Allows(host):
		return nil, &ForbiddenError{"the registry refers to the cluster's API server"}
	case req.URL.Scheme == "https", req.URL.Scheme == "http" && t.allowsPlainHTTP(req.URL):
	default:
		return nil, &ForbiddenError{"the registry refers to plain HTTP"}
	}
	proxied, err := t.needsProxy(req)
	switch {
	case err != nil:
		return nil, err
	case proxied:
		return t.sendThroughProxy(req)
	}
	return t.sendDirect(req)
}

// allowsPlainHTTP reports whether nodes send plain HTTP to a host.
func (t *transport) allowsPlainHTTP(u *url.URL) bool {
	return t.policy.allowsPlainHTTP(Authority("http", u.Host)) || t.plainHTTP.Contain("http", u.Host)
}
