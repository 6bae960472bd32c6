package main

import (
	"github.com/pullgate/pullgate/test/bench/stage"
	"github.com/pullgate/pullgate/test/registry"
)

// misdeed is a way for a registry to misbehave. It returns the host to ask.
type misdeed struct {
	name   string
	commit func(*bench, *stage.Registry) (host string, err error)
}

// misdeeds are all that package registry knows, and those of hosts that are no registries.
func misdeeds() []misdeed {
	var all []misdeed
	for _, m := range registry.BrokenHosts() {
		all = append(all, misdeed{m.Name, misfit(m)})
	}
	for _, where := range []struct{ name, path string }{{"", ""}, {"tokens: ", "/token"}, {"manifests: ", "/v2/shop/*"}} {
		for _, m := range registry.FaultCases() {
			m.Fault.Path, m.Fault.AfterAuth = where.path, where.path == "/v2/shop/*"
			all = append(all, misdeed{where.name + m.Name, fault(m.Fault)})
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

func misfit(m registry.BrokenHost) func(*bench, *stage.Registry) (string, error) {
	return func(b *bench, _ *stage.Registry) (string, error) {
		addr, stop, err := m.Start()
		if err == nil {
			b.OnClear(stop)
		}
		return addr, err
	}
}
