package certs

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// pair is a serving certificate with its key, in PEM.
type pair struct{ cert, key []byte }

// issued is a pair, and the data of the Secret with it.
type issued struct {
	pair
	data map[string][]byte
}

// newPair issues a pair.
func newPair(t *testing.T) issued {
	t.Helper()
	data, _, err := newIssuer(Namespace).renew(nil, time.Now())
	must(t, err)
	return issued{pair{data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]}, data}
}

func secretOf(data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: Namespace, Name: SecretName}, Data: data}
}

// readPair reads tls.crt and tls.key. A missing file is nil.
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

// expectPair compares the files with a pair, without printing a key.
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

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatalf("reading directory: %v", err)
	}
	names := make([]string, 0, len(list))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func mustWrite(t *testing.T, dir string, p pair) {
	t.Helper()
	must(t, atomicDir(dir).write(p.cert, p.key))
}

func mustMkdir(t *testing.T, path string) {
	t.Helper()
	must(t, os.MkdirAll(path, 0o700))
}

func mustWriteFile(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

func mustSymlink(t *testing.T, target, path string) {
	t.Helper()
	must(t, os.Symlink(target, path))
}

func mustRemove(t *testing.T, path string) {
	t.Helper()
	must(t, os.Remove(path))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
