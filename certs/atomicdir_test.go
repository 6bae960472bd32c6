package certs

import (
	"context"
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

func TestWriteReplacesEveryState(t *testing.T) {
	t.Parallel()
	first, second := newPair(t).pair, newPair(t).pair
	version := func(p pair) string { return versionName(p.cert, p.key) }

	tests := map[string]struct {
		before func(t *testing.T, dir string)
		want   pair
	}{
		"an empty directory": {before: func(*testing.T, string) {}, want: first},
		"the same pair again": {
			before: func(t *testing.T, dir string) { mustWrite(t, dir, first) },
			want:   first,
		},
		"a rotated pair": {
			before: func(t *testing.T, dir string) { mustWrite(t, dir, first) },
			want:   second,
		},
		"a version of an interrupted write": {
			before: func(t *testing.T, dir string) {
				mustMkdir(t, filepath.Join(dir, version(first)))
				mustWriteFile(t, filepath.Join(dir, version(first), corev1.TLSCertKey), "half")
			},
			want: first,
		},
		"a link of an interrupted write": {
			before: func(t *testing.T, dir string) { mustSymlink(t, "nowhere", filepath.Join(dir, "..new-..data")) },
			want:   first,
		},
		"a current version without its links": {
			before: func(t *testing.T, dir string) {
				mustWrite(t, dir, first)
				mustRemove(t, filepath.Join(dir, corev1.TLSCertKey))
			},
			want: first,
		},
		"plain files in place of the links": {
			before: func(t *testing.T, dir string) {
				mustWriteFile(t, filepath.Join(dir, corev1.TLSCertKey), "old")
				mustWriteFile(t, filepath.Join(dir, corev1.TLSPrivateKeyKey), "old")
			},
			want: first,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tc.before(t, dir)
			if err := atomicDir(dir).write(tc.want.cert, tc.want.key); err != nil {
				t.Fatalf("write: %v", err)
			}
			expectPair(t, dir, tc.want)
			want := []string{version(tc.want), currentLink, corev1.TLSCertKey, corev1.TLSPrivateKeyKey}
			slices.Sort(want)
			if diff := cmp.Diff(want, entries(t, dir)); diff != "" {
				t.Errorf("directory entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWriteReturnsErrorsOfTheDirectory(t *testing.T) {
	t.Parallel()
	p := newPair(t).pair
	tests := map[string]struct {
		before func(t *testing.T, dir string)
		want   string
	}{
		"the directory is missing": {
			before: func(t *testing.T, dir string) { mustRemove(t, dir) },
			want:   "no such file",
		},
		"the current link is a directory": {
			before: func(t *testing.T, dir string) { mustMkdir(t, filepath.Join(dir, currentLink)) },
			want:   currentLink,
		},
		"the version is a file": {
			before: func(t *testing.T, dir string) {
				mustWriteFile(t, filepath.Join(dir, versionName(p.cert, p.key)), "")
			},
			want: versionName(p.cert, p.key),
		},
		"the version's key is a directory": {
			before: func(t *testing.T, dir string) {
				mustMkdir(t, filepath.Join(dir, versionName(p.cert, p.key), corev1.TLSPrivateKeyKey))
			},
			want: "is a directory",
		},
		"the certificate is a directory": {
			before: func(t *testing.T, dir string) { mustMkdir(t, filepath.Join(dir, corev1.TLSCertKey, "x")) },
			want:   "linking tls.crt",
		},
		"the previous version is outside the directory": {
			before: func(t *testing.T, dir string) { mustSymlink(t, "../elsewhere", filepath.Join(dir, currentLink)) },
			want:   "escapes",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "certs")
			mustMkdir(t, dir)
			tc.before(t, dir)
			err := atomicDir(dir).write(p.cert, p.key)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("write: got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestReplaceLinkReturnsErrorsOfTheRoot(t *testing.T) {
	t.Parallel()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatalf("opening root: %v", err)
	}
	if err := replaceLink(root, "sub/name", "target"); err == nil {
		t.Error("replaceLink below a missing directory: got no error")
	}
	if err := root.Close(); err != nil {
		t.Fatalf("closing root: %v", err)
	}
	if err := replaceLink(root, "name", "target"); err == nil {
		t.Error("replaceLink in a closed root: got no error")
	}
}

func TestWrittenFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustWrite(t, dir, newPair(t).pair)
	for _, name := range []string{corev1.TLSCertKey, corev1.TLSPrivateKeyKey} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatalf("stat: %v", err)
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %v, want 0600", name, got)
		}
	}
}

// TestCertWatcherServesARotatedPair uses the watcher of controller-runtime, which reads the files only.
func TestCertWatcherServesARotatedPair(t *testing.T) {
	t.Parallel()
	first, second := newPair(t).pair, newPair(t).pair
	dir := t.TempDir()
	mustWrite(t, dir, first)
	watcher, err := certwatcher.New(filepath.Join(dir, corev1.TLSCertKey), filepath.Join(dir, corev1.TLSPrivateKeyKey))
	if err != nil {
		t.Fatalf("starting watcher: %v", err)
	}
	served := make(chan tls.Certificate, 8)
	watcher.WithWatchInterval(10 * time.Millisecond).RegisterCallback(func(c tls.Certificate) { served <- c })
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- watcher.Start(ctx) }()

	expectServed(t, served, first)
	mustWrite(t, dir, second)
	expectServed(t, served, second)
	cancel()
	if err := <-stopped; err != nil {
		t.Errorf("watcher: %v", err)
	}
}

func expectServed(t *testing.T, served <-chan tls.Certificate, want pair) {
	t.Helper()
	parsed, err := tls.X509KeyPair(want.cert, want.key)
	if err != nil {
		t.Fatalf("parsing pair: %v", err)
	}
	select {
	case got := <-served:
		if string(got.Certificate[0]) != string(parsed.Certificate[0]) {
			t.Error("another certificate is served")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no certificate is served")
	}
}
