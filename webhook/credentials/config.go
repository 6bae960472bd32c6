package credentials

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"
)

// Config is the config.json of the nodes, which opens registries for every pod that runs there. It is safe for
// concurrent use; nil is a node without one.
//
// The file is read whenever a pod is looked at. A kubelet looks every five minutes, and so may lag behind.
type Config struct {
	read func() ([]byte, error)
	log  *slog.Logger

	mu sync.Mutex
	// seen is what the ring was made of: nothing is decoded twice.
	seen    [sha256.Size]byte
	ring    Keyring
	failing bool
}

// NewConfig returns the config.json that read returns. It must be readable now; if later it is not, that is logged, and
// what the nodes have is unknown until it is readable again.
func NewConfig(read func() ([]byte, error), log *slog.Logger) (*Config, error) {
	c := &Config{read: read, log: log}
	if err := c.refresh(); err != nil {
		return nil, err
	}
	return c, nil
}

// keyring returns the file's ring, or what keeps it from being known.
func (c *Config) keyring(ctx context.Context) (Keyring, []Problem) {
	if c == nil {
		return Keyring{}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.refresh()
	c.report(ctx, err)
	if err != nil {
		return Keyring{}, []Problem{{Subject: "the nodes' config.json", Detail: "it can't be read"}}
	}
	return c.ring, nil
}

// refresh reads the file, and decodes it if it isn't what it was.
func (c *Config) refresh() error {
	data, err := c.read()
	if err != nil {
		return fmt.Errorf("reading the nodes' config.json: %w", err)
	}
	sum := sha256.Sum256(data)
	if sum == c.seen {
		return nil
	}
	entries, err := parseDockerConfig(data, nodePrefix+"config.json")
	if err != nil {
		return fmt.Errorf("decoding the nodes' config.json: %w", err)
	}
	c.seen, c.ring = sum, newKeyring(entries)
	return nil
}

// report logs the beginning and the end of a failure, and not every pod in between.
func (c *Config) report(ctx context.Context, err error) {
	if failing := err != nil; failing != c.failing {
		c.failing = failing
		if failing {
			c.log.ErrorContext(ctx, "the nodes' config.json can't be used", "error", err)
			return
		}
		c.log.InfoContext(ctx, "the nodes' config.json can be used again")
	}
}
