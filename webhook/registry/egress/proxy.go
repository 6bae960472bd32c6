package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// ProxyError reports a proxy that does not forward a request. It is not a response of the registry.
type ProxyError struct {
	Detail string
	// Transient marks a failure that may be over a moment later.
	Transient bool
}

func (e *ProxyError) Error() string { return e.Detail }

// throughProxy sets the proxy function of a transport. The operator configures proxies, so their addresses are not checked.
func throughProxy(t *http.Transport, proxy func(*url.URL) (*url.URL, error)) *http.Transport {
	t.Proxy = func(req *http.Request) (*url.URL, error) { return proxy(req.URL) }
	t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode == http.StatusOK {
			return nil
		}
		return &ProxyError{
			Detail:    fmt.Sprintf("the proxy refuses to connect to the registry, with status %d", resp.StatusCode),
			Transient: resp.StatusCode >= http.StatusInternalServerError,
		}
	}
	return t
}

// needsProxy reports whether a request goes through a proxy. A node sends requests to its local registry directly.
func (h *hop) needsProxy(req *http.Request) (bool, error) {
	if h.own.proxied == nil || h.plainHTTP.Contain(req.URL.Scheme, req.URL.Host) {
		return false, nil
	}
	via, err := h.own.proxied.Proxy(req)
	if err != nil {
		return false, &ProxyError{Detail: "no proxy can be chosen for the registry"}
	}
	return via != nil, nil
}

// sendThroughProxy sends a request to the proxy, which resolves the host's name. Only the name itself can be checked here, and
// is, unless the host is trusted.
func (h *hop) sendThroughProxy(p *pool, req *http.Request, trusted bool) (*http.Response, error) {
	if !trusted {
		if err := h.guard.checkName(Authority(req.URL.Scheme, req.URL.Host)); err != nil {
			return nil, err
		}
	}
	resp, err := p.proxied.RoundTrip(req)
	if err != nil {
		return nil, h.proxyFailure(req, err)
	}
	if req.URL.Scheme == "http" && !isFromRegistry(resp) {
		_ = resp.Body.Close()
		return nil, &ProxyError{Detail: "the response may be the proxy's own, and not the registry's"}
	}
	return resp, nil
}

// proxyFailure returns a ProxyError for a failure of the proxy, and err for a failure of the registry behind it. A proxy that
// opens a tunnel and then sends an error in plain text must not count as a registry without TLS.
func (h *hop) proxyFailure(req *http.Request, err error) error {
	op, ok := errors.AsType[*net.OpError](err)
	switch {
	case ok && op.Op == "proxyconnect": // net/http names every failure on the way to the proxy so
		return &ProxyError{Detail: "the proxy cannot be reached: " + proxyDetail(op.Err), Transient: true}
	case ok && strings.HasPrefix(op.Op, "socks"):
		return &ProxyError{Detail: "the proxy refuses to connect to the registry", Transient: true}
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok && !h.allowsPlainHTTP(req.URL) {
		return &ProxyError{Detail: "the registry, or the proxy in front of it, does not speak TLS"}
	}
	return err
}

func proxyDetail(err error) string {
	cause := causeOf(err)
	if cause.isTLS {
		return "its TLS or its certificate is not as expected"
	}
	return cause.detail
}

// isFromRegistry reports whether a plain HTTP response looks like one of a registry or a token service. A proxy's own
// responses are HTML or text.
func isFromRegistry(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusUnauthorized:
		return true
	case http.StatusProxyAuthRequired:
		return false
	}
	mediaType, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return resp.Header.Get("Docker-Distribution-Api-Version") != "" || strings.Contains(mediaType, "json")
}
