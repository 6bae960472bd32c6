package main

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/plugin"
)

// onNodes adds to what pods bring along what the configuration says that nodes have. What is wrong with the files that it
// names is told with the key that names them. Once that is over, end ends the programs that run.
func onNodes(pods credentials.Source, n config.Nodes, log *slog.Logger) (node credentials.Node, end func(), err error) {
	node.Source = pods
	end = func() {}
	if n.DockerConfig != "" {
		read := func() ([]byte, error) { return os.ReadFile(n.DockerConfig) }
		if node.DockerConfig, err = credentials.NewDockerConfigFile(read, log); err != nil {
			return credentials.Node{}, nil, fmt.Errorf("nodes.dockerConfig: %w", err)
		}
	}
	if n.CredentialProvider.Config != "" {
		providers, err := newProviders(n.CredentialProvider, log)
		if err != nil {
			return credentials.Node{}, nil, fmt.Errorf("nodes.credentialProvider: %w", err)
		}
		node.Providers, end = providers, providers.Close
	}
	return node, end, nil
}

func newProviders(p config.CredentialProvider, log *slog.Logger) (*plugin.Providers, error) {
	file, err := filepath.Abs(p.Config)
	if err != nil {
		return nil, fmt.Errorf("finding the configuration of the providers: %w", err)
	}
	return plugin.New(plugin.Options{
		Files:   os.DirFS(filepath.Dir(file)),
		Name:    filepath.Base(file),
		BinDir:  p.BinDir,
		Environ: os.Environ(),
		Log:     log,
	})
}
