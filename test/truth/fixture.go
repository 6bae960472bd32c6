package truth

import (
	"errors"
	"fmt"
	"hash/fnv"

	"github.com/pullgate/pullgate/test/registry"
)

// Site starts the registries of a Fixture in some network.
type Site interface {
	// Listen starts a registry that clients with the view reach by the name. It does not make them trust the
	// certificate.
	Listen(name string, view View, cfg registry.Config) (*registry.Server, error)
}

// View is a view of DNS.
type View string

// The views. The node resolves names by the resolv.conf of its host, and Pullgate perhaps by the cluster's DNS.
const (
	EveryView    View = ""
	NodeView     View = "node"
	PullgateView View = "pullgate"
)

// Fixture is the environment of one scenario: its registries with their content.
type Fixture struct {
	Scenario *Scenario
	// CA is the CA of the registries that are not Untrusted.
	CA *registry.CA

	servers map[*Registry]*registry.Server
	faults  map[*Registry][]registry.Fault
	known   map[string]pushed
	undo    []func()
}

// Build starts the registries and pushes their content. Images run the program, which is statically linked. The
// caller calls Reset before each check, and Close at the end.
func Build(s *Scenario, site Site, program []byte) (*Fixture, error) {
	ca, err := registry.NewCA()
	if err != nil {
		return nil, err
	}
	f := &Fixture{Scenario: s, CA: ca, servers: map[*Registry]*registry.Server{}, faults: map[*Registry][]registry.Fault{}, known: map[string]pushed{}}
	for i := range s.Registries {
		if err := f.start(site, &s.Registries[i], program); err != nil {
			f.Close()
			return nil, fmt.Errorf("%s: registry %s: %w", s.Name, s.Registries[i].Name, err)
		}
	}
	return f, nil
}

func (f *Fixture) start(site Site, r *Registry, program []byte) error {
	cfg, err := f.config(r)
	if err != nil {
		return err
	}
	server, err := site.Listen(r.Name, r.SeenBy, cfg)
	if err != nil {
		return err
	}
	f.servers[r] = server
	b := imageBuilder{fixture: f, registry: r, server: server, program: program}
	for i := range r.Holds {
		if err := b.push(&r.Holds[i]); err != nil {
			return err
		}
	}
	for _, loss := range r.Loses {
		if err := b.lose(loss); err != nil {
			return err
		}
	}
	for _, fault := range r.Faults {
		if fault.Path, err = substitute(fault.Path, f.known); err != nil {
			return err
		}
		f.faults[r] = append(f.faults[r], fault.fault())
	}
	return nil
}

// Reset puts the registries into the state of the scenario and deletes the recorded requests. So Pullgate and the
// kubelet find the same state.
func (f *Fixture) Reset() {
	f.removeFaults()
	for i := range f.Scenario.Registries {
		r := &f.Scenario.Registries[i]
		server := f.servers[r]
		server.ResetRequests()
		if r.Down {
			server.Stop()
		}
		for _, fault := range f.faults[r] {
			f.undo = append(f.undo, server.Fault(fault))
		}
		for _, l := range r.Limits {
			f.undo = append(f.undo, server.Limit(registry.Limit{
				Repository: l.Repository, Method: l.Method, Requests: l.Requests, Per: l.Per.Duration,
			}))
		}
	}
}

func (f *Fixture) removeFaults() {
	for _, undo := range f.undo {
		undo()
	}
	f.undo = nil
}

// Requests returns the requests to all registries since Reset, for the message of a failing test.
func (f *Fixture) Requests() string {
	var text string
	for i := range f.Scenario.Registries {
		text += f.servers[&f.Scenario.Registries[i]].RequestSummary()
	}
	return text
}

// CloseAccounts closes the accounts that the scenario closes. The caller checks the pods of Earlier before.
func (f *Fixture) CloseAccounts() {
	for r, server := range f.servers {
		for _, user := range r.Closes {
			server.CloseAccount(user)
		}
	}
}

// server returns the first registry of the name, or nil.
func (f *Fixture) server(name string) *registry.Server {
	for i := range f.Scenario.Registries {
		if r := &f.Scenario.Registries[i]; r.Name == name {
			return f.servers[r]
		}
	}
	return nil
}

// Close stops the registries.
func (f *Fixture) Close() {
	for _, server := range f.servers {
		server.Close()
	}
}

// config returns the registry's configuration for package registry.
func (f *Fixture) config(r *Registry) (registry.Config, error) {
	cfg := registry.Config{
		PlainHTTP: r.PlainHTTP, Public: r.Public, ChallengePublic: r.ChallengePublic, DenyStatus: r.DenyStatus,
		RevealMissing: r.RevealMissing,
		Token: registry.TokenConfig{
			Realm: r.Token.Realm, Lifetime: r.Token.Lifetime.Duration, RefusePost: r.Token.RefusePost, Omit: r.Token.Omit,
		},
		// Registries of different scenarios have different content. Otherwise the layers of one pull would help
		// another.
		Seed: seed(f.Scenario.Name + r.Name),
	}
	if !r.Untrusted {
		cfg.CA = f.CA
	}
	for user, password := range r.Accounts {
		repositories := r.Access[user]
		if repositories == nil {
			repositories = []string{"*"}
		}
		cfg.Accounts = append(cfg.Accounts, registry.Account{Username: user, Password: password, Repositories: repositories})
	}
	if r.Token.From != "" {
		if cfg.Token.From = f.server(r.Token.From); cfg.Token.From == nil {
			return cfg, fmt.Errorf("token.from: %s is not an earlier registry", r.Token.From)
		}
	}
	var known bool
	if cfg.Auth, known = auths()[r.Auth]; !known {
		return cfg, errors.New("auth: must be none, basic or bearer")
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
	_, _ = h.Write([]byte(text)) // writing to a hash does not fail
	return h.Sum64()
}

func (f Fault) fault() registry.Fault {
	return registry.Fault{
		Path: f.Path, Method: f.Method, Account: f.Account, Authorization: f.Authorization, UnlessAgent: f.UnlessAgent,
		AfterAuth: f.AfterAuth, After: f.After, Times: f.Times,
		Delay: f.Delay.Duration, Hang: f.Hang, Reset: f.Reset,
		Redirect: f.Redirect, RedirectLoop: f.RedirectLoop, Challenge: f.Challenge, Cause: f.Cause,
		Status: f.Status, Body: f.Body, Encode: f.Encode,
		Header: f.Header, DropHeader: f.DropHeader, Truncate: f.Truncate,
	}
}
