package certs

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pair is a serving certificate with its key, in PEM.
type pair struct{ cert, key []byte }

// newPair issues a pair the way that the rotator does.
func newPair(t *testing.T) pair {
	t.Helper()
	cr := newRotator(Options{Namespace: Namespace})
	cr.ExtKeyUsages = &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	begin, end := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	authority, err := cr.CreateCACert(begin, end)
	if err != nil {
		t.Fatalf("creating authority: %v", err)
	}
	cert, key, err := cr.CreateCertPEM(authority, begin, end)
	if err != nil {
		t.Fatalf("creating certificate: %v", err)
	}
	return pair{cert: cert, key: key}
}

// secret holds the pair as the rotator stores it.
func (p pair) secret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: SecretName},
		Data:       map[string][]byte{corev1.TLSCertKey: p.cert, corev1.TLSPrivateKeyKey: p.key},
	}
}

// readPair reads the files by the names that a server is given. Absent files read as nil.
func readPair(t *testing.T, dir string) pair {
	t.Helper()
	return pair{cert: readFile(t, dir, corev1.TLSCertKey), key: readFile(t, dir, corev1.TLSPrivateKeyKey)}
}

func readFile(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil && !os.IsNotExist(err) {
		t.Fatalf("reading %s: %v", name, err)
	}
	return data
}

// expectPair compares without ever printing a key.
func expectPair(t *testing.T, dir string, want pair) {
	t.Helper()
	got := readPair(t, dir)
	if string(got.cert) != string(want.cert) {
		t.Errorf("tls.crt differs: got %d bytes, want %d", len(got.cert), len(want.cert))
	}
	if string(got.key) != string(want.key) {
		t.Errorf("tls.key differs: got %d bytes, want %d", len(got.key), len(want.key))
	}
}
