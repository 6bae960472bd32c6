package main

import (
	"github.com/pullgate/pullgate/test/bench/stage"
	"github.com/pullgate/pullgate/test/registry"
)

// faultCase is a kind of faulty registry. start makes the registry faulty and returns the host for the pod.
type faultCase struct {
	name  string
	start func(*bench, *stage.Registry) (host string, err error)
}

// faultCases returns all cases of package registry: the broken hosts, and the faults for all requests, for tokens and
// for manifests.
func faultCases() []faultCase {
	var all []faultCase
	for _, m := range registry.BrokenHosts() {
		all = append(all, faultCase{m.Name, brokenHost(m)})
	}
	for _, where := range []struct{ name, path string }{{"", ""}, {"tokens: ", "/token"}, {"manifests: ", "/v2/shop/*"}} {
		for _, m := range registry.FaultCases() {
			m.Fault.Path, m.Fault.AfterAuth = where.path, where.path == "/v2/shop/*"
			all = append(all, faultCase{where.name + m.Name, fault(m.Fault)})
		}
	}
	return all
}

func fault(f registry.Fault) func(*bench, *stage.Registry) (string, error) {
	return func(_ *bench, r *stage.Registry) (string, error) {
		r.Fault(f)
		return r.Host, nil
	}
}

func brokenHost(m registry.BrokenHost) func(*bench, *stage.Registry) (string, error) {
	return func(b *bench, _ *stage.Registry) (string, error) {
		addr, stop, err := m.Start()
		if err == nil {
			b.OnClear(stop)
		}
		return addr, err
	}
}
