package engine

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
)

// newNodeCredentials returns the credentials of pods and nodes together. An error begins with the configuration key.
func newNodeCredentials(pods credentials.Pods, n config.Nodes, environ []string, log *slog.Logger) (node credentials.Node, err error) {
	node.Pods = pods
	if n.DockerConfig != "" {
		read := func() ([]byte, error) { return os.ReadFile(n.DockerConfig) }
		if node.Config, err = credentials.NewConfig(read, log); err != nil {
			return credentials.Node{}, fmt.Errorf("nodes.dockerConfig: %w", err)
		}
	}
	if n.CredentialProvider.Config != "" {
		if node.Providers, err = newProviders(n.CredentialProvider, environ, log); err != nil {
			return credentials.Node{}, fmt.Errorf("nodes.credentialProvider: %w", err)
		}
	}
	return node, nil
}

func newProviders(p config.CredentialProvider, environ []string, log *slog.Logger) (*credentials.Providers, error) {
	file, err := filepath.Abs(p.Config)
	if err != nil {
		return nil, fmt.Errorf("finding the configuration of the providers: %w", err)
	}
	return credentials.NewProviders(credentials.ProvidersOptions{
		Files:   os.DirFS(filepath.Dir(file)),
		Name:    filepath.Base(file),
		BinDir:  p.BinDir,
		Environ: environ,
		Log:     log,
	})
}
