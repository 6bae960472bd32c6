package credentials

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"sync"
)

// DockerConfigFile is the config.json of the nodes. Its credentials serve every pod. It is safe for concurrent use; nil
// stands for nodes without one.
//
// The file is read for every pod. A kubelet reads its own file every five minutes, so it may use an older version.
type DockerConfigFile struct {
	read func() ([]byte, error)
	log  *slog.Logger

	mu sync.Mutex
	// sum is the checksum of the data from which keyring was made: unchanged data is not decoded again.
	sum     [sha256.Size]byte
	keyring Keyring
	failing bool
}

// NewDockerConfigFile returns the config.json that read returns. It returns an error if the file is not readable now. If
// the file becomes unreadable later, the failure is logged, and the credentials of the nodes are unknown until the file
// is readable again.
func NewDockerConfigFile(read func() ([]byte, error), log *slog.Logger) (*DockerConfigFile, error) {
	f := &DockerConfigFile{read: read, log: log}
	if err := f.refresh(); err != nil {
		return nil, err
	}
	return f, nil
}

// load returns the current keyring of the file, or the problem that keeps it unknown.
func (f *DockerConfigFile) load(ctx context.Context) (Keyring, []Problem) {
	if f == nil {
		return Keyring{}, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.refresh()
	f.logChange(ctx, err)
	if err != nil {
		return Keyring{}, []Problem{{Subject: "the nodes' config.json", Detail: "it cannot be read"}}
	}
	return f.keyring, nil
}

// refresh reads the file and decodes it if it has changed.
func (f *DockerConfigFile) refresh() error {
	data, err := f.read()
	if err != nil {
		return fmt.Errorf("reading the nodes' config.json: %w", err)
	}
	sum := sha256.Sum256(data)
	if sum == f.sum {
		return nil
	}
	config, err := ParseDockerConfig(data, nodePrefix+"config.json")
	if err != nil {
		return fmt.Errorf("decoding the nodes' config.json: %w", err)
	}
	f.sum, f.keyring = sum, NewKeyring(config)
	return nil
}

// logChange logs the start and the end of a failure, not every pod in between.
func (f *DockerConfigFile) logChange(ctx context.Context, err error) {
	if failing := err != nil; failing != f.failing {
		f.failing = failing
		if failing {
			f.log.ErrorContext(ctx, "the nodes' config.json cannot be used", "error", err)
			return
		}
		f.log.InfoContext(ctx, "the nodes' config.json can be used again")
	}
}
