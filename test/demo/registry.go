package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The public repositories, and the private ones of the account.
const (
	publicRepositories  = "shop/*"
	privateRepositories = "vault/*"
)

// newAccount returns an account with a new random password, so that no password is in the source.
func newAccount() registry.Account {
	return registry.Account{Username: "shop", Password: rand.Text(), Repositories: []string{privateRepositories}}
}

// startRegistry starts a registry with tokens, as the large public registries have them, and pushes the images.
func (d *demo) startRegistry(context.Context) error {
	server, err := registry.Start(registry.Config{
		Auth:            registry.AuthBearer,
		Accounts:        []registry.Account{d.account},
		Public:          []string{publicRepositories},
		ChallengePublic: true,
	})
	if err != nil {
		return err
	}
	d.registry = server
	d.onCleanUp(server.Close)
	return push(server)
}

// push pushes the images that exist in the examples.
func push(server *registry.Server) error {
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

// registryHost returns the registry's host as images name it. The registry listens on 127.0.0.1.
func (d *demo) registryHost() string {
	_, port, _ := strings.Cut(d.registry.Addr(), ":")
	return "localhost:" + port
}

// setRegistry stops the registry, or starts it again on the same port, and prints a note.
func (d *demo) setRegistry(down bool) error {
	if down {
		d.out.note("The registry is stopped.\n")
		d.registry.Stop()
		return nil
	}
	d.out.note("The registry is started again, on the same port.\n")
	if err := d.registry.Restart(); err != nil {
		return fmt.Errorf("starting the registry again: %w", err)
	}
	return nil
}
