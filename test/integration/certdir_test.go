package integration

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/registry"
)

// startWithCertDir starts a process as the overlay for cert-manager does, with a certificate of a new CA and the rights of a
// cluster role. The tests call it, and the API server does not.
func (e *environment) startWithCertDir(t *testing.T, account, clusterRole string, args ...string) (*pullgate, *registry.CA) {
	t.Helper()
	c := e.caller(t)
	c.must(c.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: account}}))
	c.must(c.create(&rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "test-" + account},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: account}},
	}))
	l := e.newLaunch(t, render(t, "cert-manager"), account)
	l.args = append(l.args, args...)
	ca := l.issue(t)
	p := l.start(t)
	p.awaitReady(t)
	return p, ca
}

// issue writes a certificate to the directory of the mounted Secret.
func (l launch) issue(t *testing.T) *registry.CA {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	cert, key, err := ca.CertificatePEM("localhost")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(l.volumes["certs"], "tls.key"), key)
	writeFile(t, filepath.Join(l.volumes["certs"], "tls.crt"), cert)
	return ca
}

// servedCertificate returns the certificate of the process for this name, verified by the roots.
func (p *pullgate) servedCertificate(t *testing.T, roots *x509.CertPool, name string) (*x509.Certificate, error) {
	t.Helper()
	dialer := &tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(t.Context(), "tcp", p.launch.webhook)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// testCertDir renews the mounted certificate. The process has no right to write objects.
func testCertDir(t *testing.T, e *environment) {
	p, ca := e.startWithCertDir(t, "certified", "pullgate")
	if _, err := p.servedCertificate(t, ca.Pool(), "localhost"); err != nil {
		t.Fatalf("connecting: %v", err)
	}
	renewed := p.launch.issue(t)
	eventually(t, "the new certificate", func(context.Context) bool {
		_, err := p.servedCertificate(t, renewed.Pool(), "localhost")
		return err == nil
	})
	if _, err := p.servedCertificate(t, ca.Pool(), "localhost"); err == nil {
		t.Error("the process still serves the old certificate")
	}
	got := newEndpoint(t, p, renewed.Pool()).review(t, podRequest(t, e.namespace(t, "enforce"), e.registry.expand(imageGone)))
	if got.Allowed {
		t.Error("a pod whose image is gone was admitted")
	}
	p.terminate(t)
	p.awaitExit(t)
}
