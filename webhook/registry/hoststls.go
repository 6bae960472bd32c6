package registry

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readCertificates reads a directory in Docker's manner: *.crt are authorities, *.cert with their *.key are the client's.
func readCertificates(dir string) (Host, error) {
	var h Host
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Host{}, fmt.Errorf("listing certificates: %w", err)
	}
	for _, entry := range list {
		file := filepath.Join(dir, entry.Name())
		if entry.IsDir() {
			continue
		}
		if strings.HasSuffix(file, ".crt") {
			h.authorities = append(h.authorities, file)
		}
		if name, ok := strings.CutSuffix(file, ".cert"); ok {
			pair := keyPairFiles{certificate: file, key: name + ".key"}
			switch _, err := os.Stat(pair.key); {
			case errors.Is(err, fs.ErrNotExist):
				pair.key = ""
			case err != nil:
				return Host{}, fmt.Errorf("looking for a key: %w", err)
			}
			h.keyPairs = append(h.keyPairs, pair)
		}
	}
	return h, nil
}

// TLSConfig reads the files that the host's TLS needs. Its authorities are known besides those of roots, which are the
// system's when nil. An error means that no node can ask this host, nor any other of the same namespace.
func (h *Host) TLSConfig(roots *x509.CertPool) (*tls.Config, error) {
	m, err := h.readTLS()
	if err != nil {
		return nil, err
	}
	return m.config(roots)
}

// tlsMaterial is what the files of a host hold, before anything is made of it.
type tlsMaterial struct {
	skipVerify  bool
	authorities [][]byte
	keyPairs    [][2][]byte
}

func (h *Host) readTLS() (tlsMaterial, error) {
	m := tlsMaterial{skipVerify: h.skipVerify != nil && *h.skipVerify}
	for _, file := range h.authorities {
		data, err := os.ReadFile(file)
		if err != nil {
			return tlsMaterial{}, fmt.Errorf("reading an authority: %w", err)
		}
		m.authorities = append(m.authorities, data)
	}
	for _, files := range h.keyPairs {
		pair, err := files.read()
		if err != nil {
			return tlsMaterial{}, err
		}
		m.keyPairs = append(m.keyPairs, pair)
	}
	return m, nil
}

func (f keyPairFiles) read() (pair [2][]byte, err error) {
	if pair[0], err = os.ReadFile(f.certificate); err != nil {
		return pair, fmt.Errorf("reading a client certificate: %w", err)
	}
	if f.key == "" {
		pair[1] = pair[0]
		return pair, nil
	}
	if pair[1], err = os.ReadFile(f.key); err != nil {
		return pair, fmt.Errorf("reading a client key: %w", err)
	}
	return pair, nil
}

func (m tlsMaterial) config(roots *x509.CertPool) (*tls.Config, error) {
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: m.skipVerify}
	if len(m.authorities) > 0 {
		pool, err := copyOf(roots)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	for _, data := range m.authorities {
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, errNoCertificate
		}
	}
	for _, pair := range m.keyPairs {
		certificate, err := tls.X509KeyPair(pair[0], pair[1])
		if err != nil {
			return nil, fmt.Errorf("loading a client key pair: %w", err)
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	return config, nil
}

var errNoCertificate = errors.New("a file of authorities holds no certificate")

func copyOf(roots *x509.CertPool) (*x509.CertPool, error) {
	if roots != nil {
		return roots.Clone(), nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's authorities: %w", err)
	}
	return pool, nil
}

// fingerprint tells configurations apart by their content, each part with its length.
type fingerprint [sha256.Size]byte

func fingerprintOf(parts ...[]byte) fingerprint {
	sum := sha256.New()
	for _, part := range parts {
		_ = binary.Write(sum, binary.BigEndian, uint64(len(part))) // a hash takes everything
		_, _ = sum.Write(part)
	}
	return fingerprint(sum.Sum(nil))
}

func (m tlsMaterial) fingerprint() fingerprint {
	parts := [][]byte{fmt.Append(nil, m.skipVerify, len(m.authorities))}
	parts = append(parts, m.authorities...)
	for _, pair := range m.keyPairs {
		parts = append(parts, pair[0], pair[1])
	}
	return fingerprintOf(parts...)
}
