package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// What may be pulled by anyone, and what by the one account only.
const (
	publicRepositories  = "shop/*"
	privateRepositories = "vault/*"
)

// newAccount has a password of its own each time, so that none is written down anywhere.
func newAccount() registry.Account {
	return registry.Account{Username: "shop", Password: rand.Text(), Repositories: []string{privateRepositories}}
}

// startRegistry starts a registry that gives out tokens, as the large public ones do, and fills it.
func (s *stage) startRegistry(context.Context) error {
	server, err := registry.Start(registry.Config{
		Auth:            registry.AuthBearer,
		Accounts:        []registry.Account{s.account},
		Public:          []string{publicRepositories},
		ChallengePublic: true,
	})
	if err != nil {
		return err
	}
	s.registry = server
	s.onClear(server.Close)
	return fill(server)
}

// fill pushes the images that the pods use, and not those that the pods are to miss.
func fill(server *registry.Server) error {
	for _, ref := range []string{"shop/web:1.27", "shop/queue:3.1", "vault/ledger:2.0"} {
		if _, err := server.PushImage(ref); err != nil {
			return fmt.Errorf("pushing %s: %w", ref, err)
		}
	}
	arm := imagepull.Platform{OS: "linux", Architecture: "arm64"}
	if _, err := server.PushIndex("shop/edge:1.0", arm); err != nil {
		return fmt.Errorf("pushing shop/edge:1.0: %w", err)
	}
	return nil
}

// registryHost is the registry as images name it. It listens on 127.0.0.1.
func (s *stage) registryHost() string {
	_, port, _ := strings.Cut(s.registry.Addr(), ":")
	return "localhost:" + port
}

// setRegistry stops the registry or starts it again, on the same port, and says so.
func (s *stage) setRegistry(down bool) error {
	if down {
		s.out.note("The registry is stopped.\n")
		s.registry.Stop()
		return nil
	}
	s.out.note("The registry is started again, on the same port.\n")
	if err := s.registry.Restart(); err != nil {
		return fmt.Errorf("starting the registry again: %w", err)
	}
	return nil
}
