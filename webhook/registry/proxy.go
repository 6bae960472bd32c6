package registry

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// proxyError is a proxy that fails to bring a request to its registry, which is no answer of the registry.
type proxyError struct {
	detail string
	// passing marks a failure that may be gone a moment later.
	passing bool
}

func (e *proxyError) Error() string { return e.detail }

func (e *proxyError) verdict() imagepull.Verdict {
	v := unavailable(e.detail)
	v.Fix = "check the proxy that Pullgate is told to use, and which hosts it lets through"
	v.Transient = e.passing
	return v
}

// throughProxy makes a transport send what the proxy function wants sent that way. Whoever names a proxy trusts it, so that
// its own address is not checked.
func throughProxy(t *http.Transport, proxy func(*url.URL) (*url.URL, error)) *http.Transport {
	t.Proxy = func(req *http.Request) (*url.URL, error) { return proxy(req.URL) }
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &proxyError{
			detail:  fmt.Sprintf("the proxy refuses to connect to the registry, with status %d", resp.StatusCode),
			passing: resp.StatusCode >= http.StatusInternalServerError,
		}
	}
	return t
}

// wantsProxy reports whether a request goes through a proxy. None stands between a node and its own registry.
func (r *route) wantsProxy(req *http.Request) (bool, error) {
	if r.transports.proxied == nil || r.local.contain(req.URL.Scheme, req.URL.Host) {
		return false, nil
	}
	via, err := r.transports.proxied.Proxy(req)
	if err != nil {
		return false, &proxyError{detail: "no proxy can be chosen for the registry"}
	}
	return via != nil, nil
}

// byProxy sends a request through the proxy, who resolves the name that it is for. What can be told of an address from the
// name alone has to do here, unless the host is trusted.
func (r *route) byProxy(req *http.Request, trusted bool) (*http.Response, error) {
	if !trusted {
		if err := r.guard.checkName(authority(req.URL.Scheme, req.URL.Host)); err != nil {
			return nil, err
		}
	}
	resp, err := r.transports.proxied.RoundTrip(req)
	if err != nil {
		return nil, r.proxyFailure(req, err)
	}
	if req.URL.Scheme == "http" && !isOfRegistry(resp) {
		_ = resp.Body.Close()
		return nil, &proxyError{detail: "the answer may be the proxy's own, and not the registry's"}
	}
	return resp, nil
}

// proxyFailure tells the proxy's failures from those of the registry behind it. A proxy that opens a tunnel only to complain in
// it, in plain text, must not be taken for a registry without TLS.
func (r *route) proxyFailure(req *http.Request, err error) error {
	op, ok := asError[*net.OpError](err)
	switch {
	case ok && op.Op == "proxyconnect": // so net/http calls all that happens on the way to the proxy
		return &proxyError{detail: "the proxy can't be reached: " + proxyDetail(op.Err), passing: true}
	case ok && strings.HasPrefix(op.Op, "socks"):
		return &proxyError{detail: "the proxy refuses to connect to the registry", passing: true}
	}
	if _, ok := asError[tls.RecordHeaderError](err); ok && !r.allowsPlainHTTP(req.URL) {
		return &proxyError{detail: "the registry, or the proxy in front of it, does not speak TLS"}
	}
	return err
}

func proxyDetail(err error) string {
	if tlsDetail(err) != "" {
		return "its TLS or its certificate is not as expected"
	}
	return networkDetail(err)
}

// isOfRegistry reports whether an answer in plain HTTP came from a registry, or from a token service, as far as can be told:
// what proxies say for themselves is HTML or text.
func isOfRegistry(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return true
	case http.StatusProxyAuthRequired:
		return false
	}
	return resp.Header.Get("Docker-Distribution-Api-Version") != "" || strings.Contains(mediaType(resp.Header), "json")
}

// numeric is the last label of a host that name services may take for an address, such as "127.1" or "0x7f000001"
// (WHATWG URL, "ends in a number").
var numeric = regexp.MustCompile(`(^|\.)([0-9]+|0[xX][0-9a-fA-F]*)$`)

// checkName judges a host that somebody else is to resolve.
func (g *guard) checkName(host string) error {
	name, port := hostpattern.SplitPort(strings.ToLower(host))
	name = strings.TrimSuffix(name, ".")
	number, err := strconv.ParseUint(port, 10, 16)
	if port == "" {
		number, err = 443, nil
	}
	addr, notAddress := netip.ParseAddr(name)
	switch {
	case err != nil:
		return &egressError{"the registry has a port that can't be checked"}
	case notAddress == nil:
		return g.checkAddress(netip.AddrPortFrom(addr, uint16(number)))
	case name == "localhost", strings.HasSuffix(name, ".localhost"), numeric.MatchString(name):
		return &egressError{"the registry has an address that can't be checked"}
	}
	return nil
}
