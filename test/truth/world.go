package truth

import (
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/pullgate/pullgate/test/registry"
)

// Site is where a World stands.
type Site interface {
	// Listen starts a registry that those at the site know by the name. Whether they trust it is another matter.
	Listen(name string, cfg registry.Config) (*registry.Server, error)
}

// World is the stage of one scenario: its registries, filled.
type World struct {
	Scenario *Scenario
	// CA is the authority of the registries that are no strangers.
	CA *registry.CA

	servers map[string]*registry.Server
	known   map[string]pushed
	undo    []func()
}

// Build starts the registries and fills them. Images run the program, a static one. The caller calls Begin before anyone
// is asked, and Close in the end.
func Build(s *Scenario, site Site, program []byte) (*World, error) {
	ca, err := registry.NewCA()
	if err != nil {
		return nil, err
	}
	w := &World{Scenario: s, CA: ca, servers: map[string]*registry.Server{}, known: map[string]pushed{}}
	for i := range s.Registries {
		if err := w.open(site, &s.Registries[i], program); err != nil {
			w.Close()
			return nil, fmt.Errorf("%s: registry %s: %w", s.Name, s.Registries[i].Name, err)
		}
	}
	return w, nil
}

func (w *World) open(site Site, r *Registry, program []byte) error {
	cfg, err := w.config(r)
	if err != nil {
		return err
	}
	server, err := site.Listen(r.Name, cfg)
	if err != nil {
		return err
	}
	w.servers[r.Name] = server
	f := filler{world: w, registry: r, server: server, program: program}
	for i := range r.Holds {
		if err := f.push(&r.Holds[i]); err != nil {
			return err
		}
	}
	for _, loss := range r.Loses {
		if err := f.lose(loss); err != nil {
			return err
		}
	}
	return nil
}

// Begin puts the registries into the condition that the scenario wants, as if nobody had asked them before: Pullgate meets
// what the kubelet meets.
func (w *World) Begin() {
	w.end()
	for i := range w.Scenario.Registries {
		r := &w.Scenario.Registries[i]
		server := w.servers[r.Name]
		server.ResetRequests()
		if r.Down {
			server.Stop()
		}
		for _, f := range r.Faults {
			w.undo = append(w.undo, server.Fault(f.fault()))
		}
		for _, l := range r.Limits {
			w.undo = append(w.undo, server.Limit(registry.Limit{
				Repository: l.Repository, Method: l.Method, Requests: l.Requests, Per: l.Per.Duration,
			}))
		}
	}
}

func (w *World) end() {
	for _, undo := range w.undo {
		undo()
	}
	w.undo = nil
}

// Requests are those of all registries since Begin, for a report of what went wrong.
func (w *World) Requests() string {
	var text string
	for _, r := range w.Scenario.Registries {
		text += w.servers[r.Name].RequestSummary()
	}
	return text
}

// Close ends the registries.
func (w *World) Close() {
	for _, server := range w.servers {
		server.Close()
	}
}

// config is the registry's own, in the terms of package registry.
func (w *World) config(r *Registry) (registry.Config, error) {
	cfg := registry.Config{
		PlainHTTP: r.PlainHTTP, Public: r.Public, ChallengePublic: r.ChallengePublic, DenyStatus: r.DenyStatus,
		RevealMissing: r.RevealMissing,
		Token: registry.TokenConfig{
			Realm: r.Token.Realm, Lifetime: r.Token.Lifetime.Duration, RefusePost: r.Token.RefusePost, Omit: r.Token.Omit,
		},
		// Registries of different scenarios do not share content: what one node has pulled must not help another's pull.
		Seed: seed(w.Scenario.Name + r.Name),
	}
	if !r.Stranger {
		cfg.CA = w.CA
	}
	for user, password := range r.Accounts {
		repositories := r.Access[user]
		if repositories == nil {
			repositories = []string{"*"}
		}
		cfg.Accounts = append(cfg.Accounts, registry.Account{Username: user, Password: password, Repositories: repositories})
	}
	if r.Token.From != "" {
		if cfg.Token.From = w.servers[r.Token.From]; cfg.Token.From == nil {
			return cfg, fmt.Errorf("its tokens come from %s, which is not a registry before it", r.Token.From)
		}
	}
	var known bool
	if cfg.Auth, known = auths()[r.Auth]; !known {
		return cfg, errors.New("its auth is none, basic or bearer")
	}
	return cfg, nil
}

func auths() map[string]registry.Auth {
	return map[string]registry.Auth{
		"": registry.AuthNone, "none": registry.AuthNone, "basic": registry.AuthBasic, "bearer": registry.AuthBearer,
	}
}

func seed(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // writing to a hash never fails
	return h.Sum64()
}

func (f Fault) fault() registry.Fault {
	return registry.Fault{
		Path: f.Path, Method: f.Method, AfterAuth: f.AfterAuth, Times: f.Times,
		Delay: f.Delay.Duration, Hang: f.Hang, Reset: f.Reset,
		Redirect: f.Redirect, RedirectLoop: f.RedirectLoop, Status: f.Status, Body: f.Body,
		Header: f.Header, DropHeader: f.DropHeader, Truncate: f.Truncate,
	}
}
