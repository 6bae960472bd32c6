package cluster

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFilesArePrivate checks that other users of the machine cannot read the administrator's keys.
func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: filepath.Join(t.TempDir(), "cluster")}
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(p.Dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("other users have access to %s: %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPrepareAndRemove(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir(), Plugins: "/plugins"}
	for range 2 {
		if err := p.prepare(); err != nil {
			t.Fatal(err)
		}
	}
	for file, part := range map[string]string{
		"etc/containerd.toml":        "bin_dirs = ['/plugins']",
		"etc/kubelet.yaml":           "cgroupRoot: /" + p.cgroup(),
		"etc/cni/10-bridge.conflist": podNetwork,
		"etc/resolv.conf":            "nameserver " + nodeIP,
	} {
		text := read(t, p.path(file))
		if !strings.Contains(text, part) || strings.Contains(text, "{{") || strings.Contains(text, "<no value>") {
			t.Errorf("%s: want %q in it and no unfilled field:\n%s", file, part, text)
		}
	}
	if err := p.remove(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(p.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 || entries[0].Name() != "logs" {
		t.Errorf("got %v after remove, want the logs only", entries)
	}
}

func TestPrepareErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ blocked, want string }{
		"a file in place of a folder":          {blocked: "kube", want: "creating a folder"},
		"a folder in place of a configuration": {blocked: "etc/kubelet.yaml/x", want: "writing a file"},
		"a folder in place of a certificate":   {blocked: "pki/ca.crt/x", want: "writing the keys of ca"},
		"a folder in place of a kubeconfig":    {blocked: "kube/admin.kubeconfig/x", want: "writing the kubeconfig of admin"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Plan{Dir: t.TempDir()}
			createFiles(t, p.Dir, tt.blocked)
			if err := p.prepare(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}
