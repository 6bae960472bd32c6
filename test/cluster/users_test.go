package cluster

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/tools/clientcmd"
)

func parseCertificate(t *testing.T, data []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(data)
	if block == nil {
		t.Fatal("the data has no PEM block")
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func TestCertificatesAreValid(t *testing.T) {
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
