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

// currentLink names the directory that holds the current pair.
const currentLink = "..data"

// keyPairDir is a directory that shows tls.crt and tls.key as the kubelet shows a Secret:
//
//	tls.crt -> ..data/tls.crt
//	tls.key -> ..data/tls.key
//	..data  -> ..3f6c9a...
//
// Both files change in the one rename of ..data. Written one after the other they would not match for a moment, and a
// server's watcher, which is woken by the first, would read and report a broken pair.
type keyPairDir string

// write makes the pair the current one. Writing the current pair again changes nothing.
func (d keyPairDir) write(cert, key []byte) error {
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

// versionName is a function of the content, so that the directory itself tells whether there is anything to do, also
// to a process that finds the files of its predecessor.
func versionName(cert, key []byte) string {
	h := sha256.New()
	h.Write(cert)
	h.Write(key)
	return ".." + hex.EncodeToString(h.Sum(nil)[:8])
}

// writeVersion writes a directory that nothing points to yet. What an interrupted attempt left there is overwritten.
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

// linkTo points ..data at the version, and the two file names into ..data.
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

// replaceLink leaves a link that is right alone, and renames a new one over anything else, so that a reader finds the
// old or the new and never nothing.
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
