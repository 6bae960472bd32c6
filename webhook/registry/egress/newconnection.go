package egress

import (
	"context"
	"net/http"
)

type newConnectionKey struct{}

// WithNewConnection returns a context whose requests use no connection of earlier requests. Another server of the registry may
// answer them.
func WithNewConnection(ctx context.Context) context.Context {
	return context.WithValue(ctx, newConnectionKey{}, true)
}

// transport is an http.Transport that can send a request on a connection of its own.
type transport struct {
	*http.Transport
	single *http.Transport // keeps no connection
}

func withSingle(t *http.Transport) *transport {
	single := t.Clone()
	single.DisableKeepAlives = true
	return &transport{t, single}
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(newConnectionKey{}) != nil {
		return t.single.RoundTrip(req)
	}
	return t.Transport.RoundTrip(req)
}
