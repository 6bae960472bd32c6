package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
)

// Options configure a cluster. The zero value works in the repository's root after `make cluster-programs`.
type Options struct {
	// Dir is the folder for all files that the cluster writes. Empty means DefaultDir. Its file system must support
	// overlayfs on top.
	Dir string
	// Programs is the folder with containerd, the node's programs of Kubernetes and the cluster command. Empty means
	// bin/cluster.
	Programs string
	// Assets is the folder with etcd, kube-apiserver and kubectl. Empty means $KUBEBUILDER_ASSETS, or else
	// bin/assets.
	Assets string
	// CredentialProviders configures the kubelet's credential provider plugins. The zero value means none.
	CredentialProviders Providers
	// Detached makes a running cluster outlive the process that calls Up.
	Detached bool
	// Progress gets a line for each step. Nil discards them.
	Progress io.Writer
}

// Providers are the kubelet's two flags for credential provider plugins. Both are absolute paths.
type Providers struct {
	Config string `json:"config"`
	BinDir string `json:"binDir"`
}

// DefaultDir returns the path of pullgate-cluster in the user's cache folder.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	return filepath.Join(cache, "pullgate-cluster"), nil
}

// plainPath matches paths that need no quoting in TOML, YAML and JSON.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)

var errPath = errors.New("a path may contain only letters, digits, '.', '_', '-' and '/'")

// resolveDir returns an absolute path. The default for an empty one is DefaultDir.
func resolveDir(dir string) (string, error) {
	if dir == "" {
		var err error
		if dir, err = DefaultDir(); err != nil {
			return "", err
		}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding %s: %w", dir, err)
	}
	if !plainPath.MatchString(dir) {
		return "", fmt.Errorf("%s: %w", dir, errPath)
	}
	return dir, nil
}

// plan returns a plan with the options and their defaults.
func (o Options) plan() (Plan, error) {
	p := Plan{CredentialProviders: o.CredentialProviders}
	for _, path := range []struct {
		to   *string
		from string
	}{
		{&p.Dir, o.Dir},
		{&p.Programs, cmp.Or(o.Programs, filepath.Join("bin", "cluster"))},
		{&p.Assets, cmp.Or(o.Assets, os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join("bin", "assets"))},
	} {
		absolute, err := resolveDir(path.from)
		if err != nil {
			return Plan{}, err
		}
		*path.to = absolute
	}
	return p, nil
}
