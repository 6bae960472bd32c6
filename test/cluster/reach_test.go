package cluster

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestReach(t *testing.T) {
	t.Parallel()
	p := fakeCluster(t, "")
	p.Assets = t.TempDir()
	createFiles(t, p.Assets, "kubectl")
	c := &Cluster{plan: p, initPID: os.Getpid()}
	for name, want := range map[string]string{
		"kubectl": filepath.Join(p.Assets, "kubectl"), "cluster": filepath.Join(p.Programs, "cluster"),
		"/bin/sh": "/bin/sh", "./kubectl": "./kubectl",
	} {
		if got := c.Command(t.Context(), name, "x"); got.Path != want || got.Args[1] != "x" {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
	if env := c.Command(t.Context(), "kubectl").Env; env[len(env)-1] != "KUBECONFIG="+c.Kubeconfig() {
		t.Errorf("got environment %v, want the kubeconfig in it", env)
	}
	for _, address := range []string{"registry.example:443", "10.88.0.1", "", strconv.Itoa(443)} {
		if _, err := c.Dial(t.Context(), "tcp", address); err == nil || !strings.Contains(err.Error(), "not an IP address") {
			t.Errorf("%q: got error %v, want an error about the address", address, err)
		}
	}
	for _, path := range []string{c.HostsDir(), c.LogDir(), c.PrivateConfig()} {
		if !strings.HasPrefix(path, p.Dir+"/") {
			t.Errorf("%s is not in the cluster's folder", path)
		}
	}
	if c.Program() != filepath.Join(p.Programs, "pause") {
		t.Errorf("got program %s", c.Program())
	}
}
