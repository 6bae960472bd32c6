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

// connections is an http.Transport that can send a request on a connection of its own.
type connections struct {
	*http.Transport
	single *http.Transport // keeps no connection
}

func newConnections(t *http.Transport) *connections {
	single := t.Clone()
	single.DisableKeepAlives = true
	return &connections{t, single}
}

// RoundTrip implements http.RoundTripper.
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Context().Value(newConnectionKey{}) != nil {
		return c.single.RoundTrip(req)
	}
	return c.Transport.RoundTrip(req)
}
