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

// Options say how a cluster is brought up. The zero value is for a caller in the repository's root, after
// `make cluster-programs`.
type Options struct {
	// Dir is where the cluster keeps what it writes; empty means DefaultDir. It must be on a file system that overlayfs
	// can sit on.
	Dir string
	// Programs is the folder with containerd, the node's half of Kubernetes and the cluster command; empty means
	// bin/cluster.
	Programs string
	// Assets is the folder with etcd, kube-apiserver and kubectl; empty means $KUBEBUILDER_ASSETS, or else bin/assets.
	Assets string
	// CredentialProviders are plugins that the kubelet asks for credentials; the zero value is none.
	CredentialProviders Providers
	// Detached makes the cluster outlive the process that calls Up, once it is up.
	Detached bool
	// Progress gets a line for each step; nil means nobody does.
	Progress io.Writer
}

// Providers are the kubelet's two flags for credential provider plugins, both of them absolute paths.
type Providers struct {
	Config string `json:"config"`
	BinDir string `json:"binDir"`
}

// DefaultDir returns pullgate-cluster in the user's cache folder.
func DefaultDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the cache folder: %w", err)
	}
	return filepath.Join(cache, "pullgate-cluster"), nil
}

// plainPath matches what can be written into TOML, YAML and JSON as it is.
var plainPath = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)

var errPath = errors.New("a path must be made of letters, digits, '.', '_', '-' and '/'")

// resolveDir fills in the default and makes the path absolute.
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

// plan fills in the defaults and finds out the rest.
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
