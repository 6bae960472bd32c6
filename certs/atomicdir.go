package certs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
)

// currentLink is the link to the directory with the current pair.
const currentLink = "..data"

// atomicDir is a directory with tls.crt and tls.key, laid out like a Secret that the kubelet mounts:
//
//	tls.crt -> ..data/tls.crt
//	tls.key -> ..data/tls.key
//	..data  -> ..3f6c9a...
//
// The rename of ..data changes both files in one step. If they changed one after the other, the server's watcher would read a
// pair that does not match.
type atomicDir string

// write makes the pair the current one. It changes nothing if it is already.
func (d atomicDir) write(cert, key []byte) error {
	root, err := os.OpenRoot(string(d))
	if err != nil {
		return err
	}
	defer root.Close()

	version := versionName(cert, key)
	previous, err := root.Readlink(currentLink)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if previous != version {
		if err := writeVersion(root, version, cert, key); err != nil {
			return err
		}
	}
	if err := linkTo(root, version); err != nil {
		return err
	}
	if previous == "" || previous == version {
		return nil
	}
	return root.RemoveAll(previous)
}

// versionName returns a name that depends on the content only, so that a new process recognises the files of the one before
// it.
func versionName(cert, key []byte) string {
	h := sha256.New()
	h.Write(cert)
	h.Write(key)
	return ".." + hex.EncodeToString(h.Sum(nil)[:8])
}

// writeVersion writes a directory that no link points to yet. It overwrites the files of an interrupted attempt.
func writeVersion(root *os.Root, version string, cert, key []byte) error {
	if err := root.MkdirAll(version, 0o700); err != nil {
		return err
	}
	for name, data := range map[string][]byte{corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key} {
		if err := root.WriteFile(filepath.Join(version, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// linkTo links ..data to the version, and both file names to files in ..data.
func linkTo(root *os.Root, version string) error {
	links := []struct{ name, target string }{
		{currentLink, version},
		{corev1.TLSPrivateKeyKey, filepath.Join(currentLink, corev1.TLSPrivateKeyKey)},
		{corev1.TLSCertKey, filepath.Join(currentLink, corev1.TLSCertKey)},
	}
	for _, l := range links {
		if err := replaceLink(root, l.name, l.target); err != nil {
			return fmt.Errorf("linking %s: %w", l.name, err)
		}
	}
	return nil
}

// replaceLink keeps a correct link. It replaces anything else by a rename, so that a reader always finds the old or the new
// target.
func replaceLink(root *os.Root, name, target string) error {
	if existing, err := root.Readlink(name); err == nil && existing == target {
		return nil
	}
	temporary := "..new-" + name
	if err := root.RemoveAll(temporary); err != nil {
		return err
	}
	if err := root.Symlink(target, temporary); err != nil {
		return err
	}
	return root.Rename(temporary, name)
}
