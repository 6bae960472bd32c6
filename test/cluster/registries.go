package cluster

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The standard registries of every cluster and their images.
const (
	// OpenRegistry requires no authentication. It holds OpenImage.
	OpenRegistry = "registry.example"
	// PrivateRegistry requires a token for the account in PrivateConfig. It holds PrivateImage.
	PrivateRegistry = "private.example"
	// MirrorRegistry is the node's mirror of Docker Hub. It holds MirroredImage.
	MirrorRegistry = "mirror.example"

	OpenImage     = OpenRegistry + "/shop/web:1.27"    // OpenImage is an image that can run.
	PrivateImage  = PrivateRegistry + "/vault/app:2.0" // PrivateImage is such an image behind an account.
	MirroredImage = "busybox:1.37"                     // MirroredImage is such an image with a short name.
)

// hostsDir returns the folder of hosts.toml files.
func (p Plan) hostsDir() string { return p.path("etc", "certs.d") }

// privateConfig returns the path of a config.json with the account of the private registry.
func (p Plan) privateConfig() string { return p.path("etc", "private-config.json") }

// standardRegistries returns the configurations and images of the standard registries by name.
func standardRegistries(account registry.Account) map[string]standardRegistry {
	_, pause, _ := strings.Cut(sandboxImage, "/")
	return map[string]standardRegistry{
		OpenRegistry:   {images: []string{pause, repository(OpenImage)}},
		MirrorRegistry: {images: []string{"library/" + MirroredImage}},
		PrivateRegistry: {
			config: registry.Config{Auth: registry.AuthBearer, Accounts: []registry.Account{account}},
			images: []string{repository(PrivateImage)},
		},
	}
}

type standardRegistry struct {
	config registry.Config
	images []string
}

// repository returns the image without its registry.
func repository(image string) string {
	_, rest, _ := strings.Cut(image, "/")
	return rest
}

// serveStandard starts the standard registries and pushes their images. The password is random.
func (p Plan) serveStandard() error {
	account := registry.Account{Username: "reader", Password: rand.Text(), Repositories: []string{"*"}}
	program, err := os.ReadFile(filepath.Join(p.Programs, "pause"))
	if err != nil {
		return fmt.Errorf("reading the program of all images: %w", err)
	}
	native := imagepull.Platform{OS: "linux", Architecture: runtime.GOARCH}
	for name, r := range standardRegistries(account) {
		server, err := p.serve(name, r.config)
		if err != nil {
			return err
		}
		for _, image := range r.images {
			if _, err := server.PushImage(image, registry.WithProgram(program), registry.WithPlatform(native)); err != nil {
				return err
			}
		}
	}
	if err := p.mirrorDockerHub(); err != nil {
		return err
	}
	return p.writePrivateConfig(account)
}

func (p Plan) writePrivateConfig(account registry.Account) error {
	type entry struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}
	entries := map[string]entry{PrivateRegistry: {account.Username, account.Password}}
	data, err := json.Marshal(map[string]any{"auths": entries})
	if err != nil {
		return fmt.Errorf("encoding a config.json: %w", err)
	}
	return writeFile(p.privateConfig(), data)
}

// serve starts a registry that the node trusts. The caller must be in the cluster's network.
func (p Plan) serve(name string, cfg registry.Config) (*registry.Server, error) {
	server, err := p.listen(name, cfg)
	if err != nil || cfg.PlainHTTP {
		return server, err // Without a hosts.toml a node rejects plain HTTP, as intended.
	}
	if err := p.trust(name, server.CA().PEM()); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// listen starts a registry under the name, which may have a port, on an address of its own. The caller must be in the
// cluster's network.
func (p Plan) listen(name string, cfg registry.Config) (*registry.Server, error) {
	domain, port, err := net.SplitHostPort(name)
	if err != nil {
		domain, port = name, "443"
	}
	address, err := p.assign(domain)
	if err != nil {
		return nil, err
	}
	cfg.Addr = net.JoinHostPort(address, port)
	cfg.Names = append(slices.Clone(cfg.Names), domain, address)
	server, err := registry.Start(cfg)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", name, err)
	}
	return server, nil
}

// trust writes the registry's CA, and a hosts.toml that names it.
func (p Plan) trust(name string, ca []byte) error {
	dir := p.hostDir(name)
	if err := writeFile(filepath.Join(dir, "ca.crt"), ca); err != nil {
		return err
	}
	text := fmt.Sprintf("server = %q\nca = %q\n", "https://"+name, filepath.Join(dir, "ca.crt"))
	return writeFile(filepath.Join(dir, "hosts.toml"), []byte(text))
}

// hostDir returns the folder of the registry's hosts.toml.
func (p Plan) hostDir(name string) string {
	if domain, port, err := net.SplitHostPort(name); err == nil {
		name = domain + "_" + port + "_"
	}
	return filepath.Join(p.hostsDir(), name)
}

// mirrorDockerHub writes a hosts.toml that names the mirror for Docker Hub, which the network does not have.
func (p Plan) mirrorDockerHub() error {
	ca := filepath.Join(p.hostDir(MirrorRegistry), "ca.crt")
	text := fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = %q\n", "https://"+MirrorRegistry, ca)
	return writeFile(filepath.Join(p.hostDir("docker.io"), "hosts.toml"), []byte(text))
}
