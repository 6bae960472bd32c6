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

// host is a registry host in a form that both sides can be compared in.
type host struct {
	Scheme, Name, Path string
	Capabilities       uint8
	Header             http.Header
	HTTPFallback       bool
	SkipVerify         bool
	Certificates       int
	Roots              bool // a pool of its own
}

// TestMain turns off containerd's log, which warns about most of the trees.
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
	counts := map[string]int{}
	for seed := range uint64(rounds) {
		root, err := os.MkdirTemp(base, "")
		if err != nil {
			t.Fatalf("making a tree: %v", err)
		}
		tree := newTree(seed, material)
		tree.write(t, root)
		want, wantErr := containerdHosts(t, root, tree.namespace)
		got, gotErr := pullgateHosts(t, root, tree.namespace)
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || (wantErr == nil) != (gotErr == nil) {
			t.Errorf("{seed: %d, %s}: containerd's error %v, Pullgate's error %v; hosts (-containerd +Pullgate):\n%s", seed, tree, wantErr, gotErr, diff)
		}
		counts[kindOf(want, wantErr)]++
		if err := os.RemoveAll(root); err != nil {
			t.Fatalf("removing a tree: %v", err)
		}
	}
	wantVariety(t, counts)
}

// wantVariety fails a test whose rounds are too similar.
func wantVariety(t *testing.T, counts map[string]int) {
	t.Helper()
	t.Logf("rounds: %v", counts)
	for kind, n := range counts {
		if n < rounds/100 {
			t.Errorf("only %d of %d rounds are %s", n, rounds, kind)
		}
	}
	if len(counts) < 3 {
		t.Errorf("the rounds have only %d kinds", len(counts))
	}
}

func kindOf(hosts []host, err error) string {
	switch {
	case err != nil:
		return "broken"
	case len(hosts) == 1:
		return "with one host"
	}
	return "with several hosts"
}

// containerdHosts reads the tree with containerd's code. Its TLS settings are in the transports. UpdateClient gets
// each transport before containerd wraps it.
func containerdHosts(t *testing.T, root, namespace string) ([]host, error) {
	t.Helper()
	transports := map[*http.Client]*http.Transport{}
	list, err := config.ConfigureHosts(t.Context(), config.HostOptions{
		HostDir: config.HostDirFromRoot(root),
		UpdateClient: func(client *http.Client) error {
			transport, ok := client.Transport.(*http.Transport)
			if !ok {
				return errors.New("unexpected type of transport")
			}
			transports[client] = transport
			return nil
		},
	})(namespace)
	if err != nil {
		return nil, err
	}
	var all []host
	for _, h := range list {
		p := host{
			Scheme: h.Scheme, Name: h.Host, Path: h.Path, Capabilities: uint8(h.Capabilities), Header: h.Header,
			HTTPFallback: fmt.Sprintf("%T", h.Client.Transport) == "*docker.httpFallback",
		}
		p.setTLS(transports[h.Client].TLSClientConfig)
		all = append(all, p)
	}
	return all, nil
}

func pullgateHosts(t *testing.T, root, namespace string) ([]host, error) {
	t.Helper()
	list, err := hosts.Load(root, namespace)
	if err != nil {
		return nil, err
	}
	var all []host
	for _, h := range list {
		p := host{
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
		all = append(all, p)
	}
	return all, nil
}

func (p *host) setTLS(c *tls.Config) {
	// For an empty list of CAs, containerd sets the system's pool explicitly.
	system, err := x509.SystemCertPool()
	p.Roots = err == nil && c.RootCAs != nil && !c.RootCAs.Equal(system)
	p.SkipVerify, p.Certificates = c.InsecureSkipVerify, len(c.Certificates)
}

// TestCapabilities compares the constants. TestHosts compares their values as numbers.
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
