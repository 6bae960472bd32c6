package main

import (
	"net"
	"net/http"
	"time"

	"github.com/pullgate/pullgate/test/bench/stage"
	"github.com/pullgate/pullgate/test/registry"
)

// misdeed is a way for a registry to misbehave. It returns the host to ask.
type misdeed struct {
	name   string
	commit func(*bench, *stage.Registry) (host string, err error)
}

// long is longer than anybody waits.
const long = 20 * time.Second

// misdeeds are all that package registry knows, and those of hosts that are no registries.
func misdeeds() []misdeed {
	all := []misdeed{
		{"nothing listens", stopped},
		{"a host that says nothing", silent},
		{"a host without TLS", plain},
		{"a certificate of nobody", unknownAuthority},
	}
	for _, where := range []struct{ name, path string }{{"", ""}, {"tokens: ", "/token"}, {"manifests: ", "/v2/shop/*"}} {
		for _, f := range faults() {
			f.fault.Path, f.fault.AfterAuth = where.path, where.path == "/v2/shop/*"
			all = append(all, misdeed{where.name + f.name, fault(f.fault)})
		}
	}
	return all
}

type namedFault struct {
	name  string
	fault registry.Fault
}

func faults() []namedFault {
	all := []namedFault{
		{"delay", registry.Fault{Delay: long}},
		{"hang", registry.Fault{Hang: true}},
		{"reset", registry.Fault{Reset: true}},
		{"slow and then 503", registry.Fault{Delay: time.Second, Status: http.StatusServiceUnavailable}},
		{"redirect to nowhere", registry.Fault{Redirect: "https://127.0.0.1:1"}},
		{"redirect loop", registry.Fault{RedirectLoop: true}},
		{"no bytes of the body", registry.Fault{Truncate: -1}},
		{"half a body", registry.Fault{Truncate: 20}},
		{"not JSON", registry.Fault{Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}}},
		{"no headers that matter", registry.Fault{
			DropHeader: []string{"Content-Type", "Content-Length", "Docker-Content-Digest"},
		}},
		{"come back later", registry.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}}},
	}
	for _, status := range []int{400, 401, 403, 404, 405, 429, 500, 502, 503, 504} {
		all = append(all, namedFault{http.StatusText(status), registry.Fault{Status: status}})
	}
	return all
}

func fault(f registry.Fault) func(*bench, *stage.Registry) (string, error) {
	return func(_ *bench, r *stage.Registry) (string, error) {
		r.Fault(f)
		return r.Host, nil
	}
}

func stopped(_ *bench, r *stage.Registry) (string, error) {
	r.Stop()
	return r.Host, nil
}

// silent is a host whose kernel takes connections, and on which nobody answers.
func silent(b *bench, _ *stage.Registry) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	b.OnClear(func() { _ = listener.Close() })
	return listener.Addr().String(), nil
}

func plain(b *bench, _ *stage.Registry) (string, error) {
	return another(b, registry.Config{PlainHTTP: true})
}

func unknownAuthority(b *bench, _ *stage.Registry) (string, error) {
	return another(b, registry.Config{})
}

func another(b *bench, c registry.Config) (string, error) {
	server, err := registry.Start(c)
	if err != nil {
		return "", err
	}
	b.OnClear(server.Close)
	return server.Addr(), nil
}
