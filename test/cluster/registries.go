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

// The registries that every cluster has, and what is in them.
const (
	// OpenRegistry asks nobody who he is. It holds OpenImage.
	OpenRegistry = "registry.example"
	// PrivateRegistry wants a token for the account that PrivateConfig has. It holds PrivateImage.
	PrivateRegistry = "private.example"
	// MirrorRegistry is where the node looks for the images of Docker Hub. It holds MirroredImage.
	MirrorRegistry = "mirror.example"

	OpenImage     = OpenRegistry + "/shop/web:1.27"    // OpenImage is an image that runs.
	PrivateImage  = PrivateRegistry + "/vault/app:2.0" // PrivateImage is the same behind an account.
	MirroredImage = "busybox:1.37"                     // MirroredImage is the same by a short name.
)

// hostsDir is the folder of hosts.toml files.
func (p Plan) hostsDir() string { return p.path("etc", "certs.d") }

// privateConfig is a config.json with the account of the private registry.
func (p Plan) privateConfig() string { return p.path("etc", "private-config.json") }

// standard returns the standard registries by name, and the images to put in each.
func standard(account registry.Account) map[string]standardRegistry {
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

// serveStandard starts the standard registries and fills them. The password is a new one each time.
func (p Plan) serveStandard() error {
	account := registry.Account{Username: "reader", Password: rand.Text(), Repositories: []string{"*"}}
	program, err := os.ReadFile(filepath.Join(p.Programs, "pause"))
	if err != nil {
		return fmt.Errorf("reading the program of all images: %w", err)
	}
	native := imagepull.Platform{OS: "linux", Architecture: runtime.GOARCH}
	for name, r := range standard(account) {
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

// serve starts a registry and has the node trust it. It must be called inside.
func (p Plan) serve(name string, cfg registry.Config) (*registry.Server, error) {
	server, err := p.listen(name, cfg)
	if err != nil || cfg.PlainHTTP {
		return server, err // A node that is told nothing refuses plain HTTP, as it should.
	}
	if err := p.trust(name, server.CA().PEM()); err != nil {
		server.Close()
		return nil, err
	}
	return server, nil
}

// listen starts a registry of that name, which may have a port, on an address of its own. It must be called inside.
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

// trust writes the registry's authority, and a hosts.toml that tells the node of it.
func (p Plan) trust(name string, ca []byte) error {
	dir := p.hostDir(name)
	if err := writeFile(filepath.Join(dir, "ca.crt"), ca); err != nil {
		return err
	}
	text := fmt.Sprintf("server = %q\nca = %q\n", "https://"+name, filepath.Join(dir, "ca.crt"))
	return writeFile(filepath.Join(dir, "hosts.toml"), []byte(text))
}

// hostDir is where the node looks for what it is told of a registry.
func (p Plan) hostDir(name string) string {
	if domain, port, err := net.SplitHostPort(name); err == nil {
		name = domain + "_" + port + "_"
	}
	return filepath.Join(p.hostsDir(), name)
}

// mirrorDockerHub sends the node to the mirror for the images of Docker Hub, which is not there.
func (p Plan) mirrorDockerHub() error {
	ca := filepath.Join(p.hostDir(MirrorRegistry), "ca.crt")
	text := fmt.Sprintf("[host.%q]\n  capabilities = [\"pull\", \"resolve\"]\n  ca = %q\n", "https://"+MirrorRegistry, ca)
	return writeFile(filepath.Join(p.hostDir("docker.io"), "hosts.toml"), []byte(text))
}
