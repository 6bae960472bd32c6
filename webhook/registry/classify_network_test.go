package registry_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestNetworkFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		set  func(*fixture)
		ref  string
		want string
	}{
		"no such host": {
			ref:  "nowhere.example.com/shop/web:1",
			want: "RegistryUnavailable: no such host; transient",
		},
		"name service fails": {
			set:  func(w *fixture) { w.network.Set(host, testregistry.ServFail) },
			want: "RegistryUnavailable: the host name cannot be resolved now; transient",
		},
		"connection refused": {
			set:  func(w *fixture) { w.network.Set(host, testregistry.Refused) },
			want: "RegistryUnavailable: connection refused; transient",
		},
		"an invalid host name": {
			ref:  "no host.example/shop/web:1",
			want: "RegistryUnavailable: the connection broke; transient",
		},
		"no route": {
			ref:  "192.0.2.1/shop/web:1",
			want: "RegistryUnavailable: no route to the registry; transient",
		},
		"connection broken off": {
			set:  func(w *fixture) { w.Fault(testregistry.Fault{Reset: true}) },
			want: "RegistryUnavailable: the connection broke; transient",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			if test.set != nil {
				test.set(w)
			}
			if test.ref == "" {
				test.ref = web
			}
			wantVerdict(t, w.resolve(test.ref, anonymous()), test.want)
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	const (
		short   = 50 * time.Millisecond
		noReply = "RegistryUnavailable: no response in time; transient"
		overdue = "DeadlineExceeded: the registry did not respond in time"
	)
	hang := func(w *fixture) { w.Fault(testregistry.Fault{Hang: true}) }
	tests := map[string]struct {
		set              func(*fixture)
		connect, request time.Duration
		budget           time.Duration
		want             string
	}{
		"the request times out":    {set: hang, request: short, budget: time.Minute, want: noReply},
		"the lookup's budget ends": {set: hang, request: time.Minute, budget: short, want: overdue},
		"the budget ended before":  {budget: -time.Second, want: overdue},
		"connecting takes too long": {
			set:     func(w *fixture) { w.network.Set(host, testregistry.Hanging) },
			connect: short, request: time.Minute, budget: time.Minute, want: noReply,
		},
		"the token service takes too long": {
			set:     func(w *fixture) { w.Fault(testregistry.Fault{Path: "/token", Hang: true}) },
			request: 200 * time.Millisecond, budget: time.Minute, want: noReply,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer(), func(o *registry.Options) {
				o.RequestTimeout, o.ConnectTimeout = test.request, test.connect
			})
			if test.set != nil {
				test.set(w)
			}
			ctx, cancel := context.WithTimeout(t.Context(), test.budget)
			defer cancel()
			wantVerdict(t, w.client.Resolve(ctx, reference(web), alice()), test.want)
		})
	}
}

func TestCancelledLookupIsDeadlineExceeded(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	w.Fault(testregistry.Fault{Hang: true, Match: func(*http.Request) bool { cancel(); return true }})
	wantVerdict(t, w.client.Resolve(ctx, reference(web), anonymous()),
		"DeadlineExceeded: the registry did not respond in time")
}

func TestUnknownErrorIsABrokenConnection(t *testing.T) {
	t.Parallel()
	client := newClient(t, registry.Options{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("cable cut") },
	})
	wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()),
		"RegistryUnavailable: the connection broke; transient")
}
