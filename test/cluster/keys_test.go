package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

func parseCertificate(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatal("there is no PEM in it")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestKeys(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if err := p.prepare(); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parseCertificate(t, []byte(read(t, p.path("pki", "ca.crt")))))

	server := parseCertificate(t, []byte(read(t, p.path("pki", "kube-apiserver.crt"))))
	for _, name := range []string{nodeIP, serviceIP, "127.0.0.1", "kubernetes.default.svc"} {
		if _, err := server.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
			t.Errorf("the API server as %s: %v", name, err)
		}
	}
	for _, u := range users() {
		config, err := clientcmd.LoadFromFile(p.kubeconfig(u.file))
		if err != nil {
			t.Fatal(err)
		}
		cert := parseCertificate(t, config.AuthInfos[u.name].ClientCertificateData)
		usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: usage}); err != nil {
			t.Errorf("%s: %v", u.name, err)
		}
		if cert.Subject.CommonName != u.name || !cmp.Equal(cert.Subject.Organization, u.groups) {
			t.Errorf("got a certificate for %v, want one for %v", cert.Subject, u)
		}
	}
	if !strings.Contains(read(t, p.path("pki", "service-accounts.crt")), "PUBLIC KEY") {
		t.Error("the service accounts have no public key")
	}
}

// Others on the machine can't read what makes one an administrator.
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
			t.Errorf("%s is for others too: %v", path, info.Mode())
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
			t.Errorf("%s: want %q in it, and nothing left open:\n%s", file, part, text)
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
		t.Errorf("got %v left, want the logs only", entries)
	}
}

func TestPrepareErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ blocked, want string }{
		"no folder for files": {blocked: "kube", want: "making a folder"},
		"no configuration":    {blocked: "etc/kubelet.yaml/x", want: "writing a file"},
		"no keys":             {blocked: "pki/ca.crt/x", want: "writing the keys of ca"},
		"no kubeconfig":       {blocked: "kube/admin.kubeconfig/x", want: "writing the kubeconfig of admin"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := Plan{Dir: t.TempDir()}
			place(t, p.Dir, tt.blocked)
			if err := p.prepare(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
