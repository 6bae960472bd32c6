package stage

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Registry is a registry with one account and tokens. All of its repositories are private.
type Registry struct {
	*registry.Server
	// Host is the address for clients. It may be the address of a proxy.
	Host string

	mu       sync.Mutex
	manifest []byte
	numbered int
}

// manifestType is the media type of the registries' images.
const manifestType = "application/vnd.oci.image.manifest.v1+json"

// StartRegistry starts a registry with this round-trip time.
func (s *Stage) StartRegistry(rtt time.Duration) (*Registry, error) {
	server, err := registry.Start(registry.Config{
		CA: s.ca, Auth: registry.AuthBearer, RevealMissing: true,
		Accounts: []registry.Account{{Username: username, Password: password, Repositories: []string{"*"}}},
		// longer than any run, so that the number of token requests does not depend on the duration
		Token: registry.TokenConfig{Lifetime: time.Hour},
	})
	if err != nil {
		return nil, err
	}
	s.OnClear(server.Close)
	r := &Registry{Server: server}
	if r.Host, err = s.distant(server.Addr(), rtt); err != nil {
		return nil, err
	}
	if _, err := server.PushImage("shop/base:1"); err != nil {
		return nil, err
	}
	r.manifest, err = server.Manifest("shop/base:1")
	return r, err
}

// Distant returns another address of the same registry, with this round-trip time.
func (s *Stage) Distant(r *Registry, rtt time.Duration) (host string, err error) {
	return s.distant(r.Addr(), rtt)
}

func (s *Stage) distant(address string, rtt time.Duration) (string, error) {
	if rtt == 0 {
		return address, nil
	}
	proxy, err := NewProxy(address, rtt)
	if err != nil {
		return "", err
	}
	s.OnClear(proxy.Close)
	return proxy.Addr(), nil
}

// Push pushes an image under a name without a host.
func (r *Registry) Push(name string) error {
	_, err := r.PushManifest(name, manifestType, r.manifest)
	return err
}

// PushIndexOf pushes an index for the platform of the nodes.
func (r *Registry) PushIndexOf(name string) error {
	_, err := r.PushIndex(name, imagepull.Platform{OS: "linux", Architecture: "amd64"})
	return err
}

// Fresh pushes n images, each to a new repository, and returns their names.
func (r *Registry) Fresh(n int) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, n)
	for range n {
		r.numbered++
		name := fmt.Sprintf("fresh/service-%06d:1.0", r.numbered)
		if err := r.Push(name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// Count returns the numbers of requests since the last ResetRequests: token requests, and manifest requests by
// method.
func (r *Registry) Count() Requests {
	var c Requests
	for _, request := range r.Requests() {
		c.Total++
		switch {
		case strings.HasPrefix(request.Path, "/token"):
			c.Tokens++
		case request.Method == http.MethodHead:
			c.Heads++
		default:
			c.Gets++
		}
	}
	return c
}

// Requests are numbers of requests to a registry.
type Requests struct{ Total, Tokens, Heads, Gets int }

// String returns the numbers with their kinds.
func (r Requests) String() string {
	return fmt.Sprintf("%d HEAD, %d GET, %d token", r.Heads, r.Gets, r.Tokens)
}
