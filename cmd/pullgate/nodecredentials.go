package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
)

// onNodes adds to what pods bring along what the configuration says that nodes have. What is wrong with the files that it
// names is told with the key that names them.
func onNodes(pods credentials.Pods, n config.Nodes, log *slog.Logger) (node credentials.Node, err error) {
	node.Pods = pods
	if n.DockerConfig != "" {
		read := func() ([]byte, error) { return os.ReadFile(n.DockerConfig) }
		if node.Config, err = credentials.NewConfig(read, log); err != nil {
			return credentials.Node{}, fmt.Errorf("nodes.dockerConfig: %w", err)
		}
	}
	if n.CredentialProvider.Config != "" {
		if node.Providers, err = newProviders(n.CredentialProvider, log); err != nil {
			return credentials.Node{}, fmt.Errorf("nodes.credentialProvider: %w", err)
		}
	}
	return node, nil
}

func newProviders(p config.CredentialProvider, log *slog.Logger) (*credentials.Providers, error) {
	file, err := filepath.Abs(p.Config)
	if err != nil {
		return nil, fmt.Errorf("finding the configuration of the providers: %w", err)
	}
	return credentials.NewProviders(credentials.ProvidersOptions{
		Files:   os.DirFS(filepath.Dir(file)),
		Name:    filepath.Base(file),
		BinDir:  p.BinDir,
		Environ: os.Environ(),
		Log:     log,
	})
}
