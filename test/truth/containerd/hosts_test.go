package containerd_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/containerd/containerd/v2/core/remotes/docker/config"
	"github.com/containerd/log"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

const rounds = 10_000

// place is a host as both sides can tell it.
type place struct {
	Scheme, Name, Path string
	Capabilities       uint8
	Header             http.Header
	HTTPFallback       bool
	SkipVerify         bool
	Certificates       int
	Roots              bool // of its own
}

// TestMain silences containerd, which has a remark on most of the trees.
func TestMain(m *testing.M) {
	if err := log.SetLevel("panic"); err != nil {
		panic(err)
	}
	m.Run()
}

func TestHosts(t *testing.T) {
	t.Parallel()
	material := newMaterial(t)
	base := t.TempDir()
	seen := map[string]int{}
	for seed := range uint64(rounds) {
		root, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatalf("making a tree: %v", err)
		}
		tree := newTree(seed, material)
		tree.write(t, root)
		want, wantErr := askContainerd(t, root, tree.namespace)
		got, gotErr := askPullgate(t, root, tree.namespace)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("{seed: %d, %s}: containerd error %v, ours %v; hosts (-containerd +ours):\n%s", seed, tree, wantErr, gotErr, diff)
		}
		seen[kindOf(want, wantErr)]++
		if err := os.RemoveAll(root); err != nil {
			t.Fatalf("removing a tree: %v", err)
		}
	}
	wantVariety(t, seen)
}

// wantVariety fails a test whose rounds are too much alike to prove anything.
func wantVariety(t *testing.T, seen map[string]int) {
	t.Helper()
	t.Logf("rounds: %v", seen)
	for kind, n := range seen {
		if n < rounds/100 {
			t.Errorf("only %d of %d rounds are %s", n, rounds, kind)
		}
	}
	if len(seen) < 3 {
		t.Errorf("the rounds are of %d kinds only", len(seen))
	}
}

func kindOf(hosts []place, err error) string {
	switch {
	case err != nil:
		return "broken"
	case len(hosts) == 1:
		return "of one host"
	}
	return "of several hosts"
}

// askContainerd reads the tree as containerd does. What it makes of TLS is in its transports, which it shows to UpdateClient
// before it hides some of them.
func askContainerd(t *testing.T, root, namespace string) ([]place, error) {
	t.Helper()
	shown := map[*http.Client]*http.Transport{}
	hosts, err := config.ConfigureHosts(t.Context(), config.HostOptions{
		HostDir: config.HostDirFromRoot(root),
		UpdateClient: func(client *http.Client) error {
			transport, ok := client.Transport.(*http.Transport)
			if !ok {
				return errors.New("another transport than expected")
			}
			shown[client] = transport
			return nil
		},
	})(namespace)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, h := range hosts {
		p := place{
			Scheme: h.Scheme, Name: h.Host, Path: h.Path, Capabilities: uint8(h.Capabilities), Header: h.Header,
			HTTPFallback: fmt.Sprintf("%T", h.Client.Transport) == "*docker.httpFallback",
		}
		p.setTLS(shown[h.Client].TLSClientConfig)
		places = append(places, p)
	}
	return places, nil
}

func askPullgate(t *testing.T, root, namespace string) ([]place, error) {
	t.Helper()
	list, err := hosts.Load(root, namespace)
	if err != nil {
		return nil, err
	}
	var places []place
	for _, h := range list {
		p := place{
			Scheme: h.Scheme, Name: h.Name, Path: h.Path, Capabilities: uint8(h.Capabilities), Header: h.Header,
			HTTPFallback: h.HTTPFallback,
		}
		files, err := h.ReadTLS()
		if err != nil {
			return nil, err
		}
		c, err := files.Config(nil)
		if err != nil {
			return nil, err
		}
		p.setTLS(c)
		places = append(places, p)
	}
	return places, nil
}

func (p *place) setTLS(c *tls.Config) {
	// An empty list of authorities has containerd write out the default.
	system, err := x509.SystemCertPool()
	p.Roots = err == nil && c.RootCAs != nil && !c.RootCAs.Equal(system)
	p.SkipVerify, p.Certificates = c.InsecureSkipVerify, len(c.Certificates)
}

// The constants of both sides are compared as numbers above.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	for theirs, ours := range map[docker.HostCapabilities]hosts.Capability{
		docker.HostCapabilityPull:      hosts.CapabilityPull,
		docker.HostCapabilityResolve:   hosts.CapabilityResolve,
		docker.HostCapabilityPush:      hosts.CapabilityPush,
		docker.HostCapabilityReferrers: hosts.CapabilityReferrers,
	} {
		if uint8(theirs) != uint8(ours) {
			t.Errorf("got %d, want containerd's %d", ours, theirs)
		}
	}
}

func (tr tree) write(t *testing.T, root string) {
	t.Helper()
	for name, content := range tr.files {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatalf("making a directory: %v", err)
		}
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatalf("writing: %v", err)
		}
	}
}
