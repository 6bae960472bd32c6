package engine

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/plugin"
)

// newNodeCredentials returns the credentials of pods and nodes together, and a function that ends the plugins that run. An
// error begins with the configuration key.
func newNodeCredentials(
	pods credentials.Source, n config.Nodes, environ []string, log *slog.Logger,
) (node credentials.Node, end func(), err error) {
	node.Source = pods
	end = func() {}
	if n.DockerConfig != "" {
		read := func() ([]byte, error) { return os.ReadFile(n.DockerConfig) }
		if node.DockerConfig, err = credentials.NewDockerConfigFile(read, log); err != nil {
			return credentials.Node{}, nil, fmt.Errorf("nodes.dockerConfig: %w", err)
		}
	}
	if n.CredentialProvider.Config != "" {
		providers, err := newProviders(n.CredentialProvider, environ, log)
		if err != nil {
			return credentials.Node{}, nil, fmt.Errorf("nodes.credentialProvider: %w", err)
		}
		node.Providers, end = providers, providers.Close
	}
	return node, end, nil
}

func newProviders(p config.CredentialProvider, environ []string, log *slog.Logger) (*plugin.Providers, error) {
	file, err := filepath.Abs(p.Config)
	if err != nil {
		return nil, fmt.Errorf("finding the configuration of the providers: %w", err)
	}
	return plugin.New(plugin.Options{
		Files:   os.DirFS(filepath.Dir(file)),
		Name:    filepath.Base(file),
		BinDir:  p.BinDir,
		Environ: environ,
		Log:     log,
	})
}
