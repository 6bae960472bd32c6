package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
)

// PrivateError is the error of a request to a host on a private network that gave no response. Authors of images choose hosts. If
// they could distinguish a closed port from one that is filtered or that does not speak TLS, they could scan the network.
type PrivateError struct{ err error }

// Error implements error. It does not have the cause.
func (*PrivateError) Error() string { return "no usable connection to a host on a private network" }

// Unwrap returns the cause.
func (e *PrivateError) Unwrap() error { return e.err }

// sendDirect sends a request without a proxy. With a log, a failure on a private network is a PrivateError.
func (t *transport) sendDirect(req *http.Request) (*http.Response, error) {
	if t.logPrivate == nil {
		return t.direct.RoundTrip(req)
	}
	var contacted atomic.Bool // dialling may go on after RoundTrip has returned
	trace := &httptrace.ClientTrace{
		ConnectStart: func(_, address string) {
			if to, err := netip.ParseAddrPort(address); err == nil && reachOf(to.Addr()) == private {
				contacted.Store(true)
			}
		},
	}
	trace.GotConn = func(info httptrace.GotConnInfo) { trace.ConnectStart("", info.Conn.RemoteAddr().String()) }
	resp, err := t.direct.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
	if err == nil || !contacted.Load() || !revealsPort(err) {
		return resp, err
	}
	t.logPrivate(req.URL.Host, Cause(err))
	return nil, &PrivateError{err}
}

// revealsPort reports whether the cause of an error is the state of a port. A response in plain HTTP is a response, as one with
// any status, and a certificate is one as well.
func revealsPort(err error) bool {
	if e, ok := errors.AsType[tls.RecordHeaderError](err); ok && string(e.RecordHeader[:]) == "HTTP/" {
		return false // net/http turns it into http.ErrSchemeMismatch
	}
	return !isType[*ForbiddenError](err) && !errors.Is(err, context.Canceled) && causeOf(err).revealsPort
}
