package hosts

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

// readCertificates reads a directory that follows Docker's file names: *.crt are authorities, *.cert with *.key are client
// certificates.
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

// TLSFiles is the content of a host's TLS files.
type TLSFiles struct {
	skipVerify  bool
	authorities [][]byte
	keyPairs    [][2][]byte
}

// ReadTLS reads the files of the host's TLS settings. An error means that no node can send a request to this host, or to any
// other host of the same namespace.
func (h *Host) ReadTLS() (TLSFiles, error) {
	f := TLSFiles{skipVerify: h.skipVerify != nil && *h.skipVerify}
	for _, file := range h.authorities {
		data, err := os.ReadFile(file)
		if err != nil {
			return TLSFiles{}, fmt.Errorf("reading an authority: %w", err)
		}
		f.authorities = append(f.authorities, data)
	}
	for _, files := range h.keyPairs {
		pair, err := files.read()
		if err != nil {
			return TLSFiles{}, err
		}
		f.keyPairs = append(f.keyPairs, pair)
	}
	return f, nil
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

// HasKeyPairs reports whether the host gets client certificates.
func (f TLSFiles) HasKeyPairs() bool { return len(f.keyPairs) > 0 }

// Authorities returns the settings for other hosts, such as a token service or the target of a redirect. As on a node, these
// authorities verify them. Unlike on a node, they are always verified, and get no client certificate.
func (f TLSFiles) Authorities() TLSFiles { return TLSFiles{authorities: f.authorities} }

// Config returns the TLS configuration of these files. It trusts their authorities in addition to roots, which are the
// system's if nil. An error means the same as for ReadTLS.
func (f TLSFiles) Config(roots *x509.CertPool) (*tls.Config, error) {
	config := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12, InsecureSkipVerify: f.skipVerify}
	if len(f.authorities) > 0 {
		pool, err := clonePool(roots)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	for _, data := range f.authorities {
		if !config.RootCAs.AppendCertsFromPEM(data) {
			return nil, errNoCertificate
		}
	}
	for _, pair := range f.keyPairs {
		certificate, err := tls.X509KeyPair(pair[0], pair[1])
		if err != nil {
			return nil, fmt.Errorf("loading a client key pair: %w", err)
		}
		config.Certificates = append(config.Certificates, certificate)
	}
	return config, nil
}

var errNoCertificate = errors.New("a file of authorities holds no certificate")

func clonePool(roots *x509.CertPool) (*x509.CertPool, error) {
	if roots != nil {
		return roots.Clone(), nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("reading the system's authorities: %w", err)
	}
	return pool, nil
}

// Fingerprint identifies the content of these files.
func (f TLSFiles) Fingerprint() Fingerprint {
	parts := [][]byte{fmt.Append(nil, f.skipVerify, len(f.authorities))}
	parts = append(parts, f.authorities...)
	for _, pair := range f.keyPairs {
		parts = append(parts, pair[0], pair[1])
	}
	return NewFingerprint(parts...)
}

// Fingerprint identifies a configuration by its content.
type Fingerprint [sha256.Size]byte

// NewFingerprint hashes parts, each with its length, so that no two lists of parts give the same input.
func NewFingerprint(parts ...[]byte) Fingerprint {
	sum := sha256.New()
	for _, part := range parts {
		_ = binary.Write(sum, binary.BigEndian, uint64(len(part))) // a hash never returns an error
		_, _ = sum.Write(part)
	}
	return Fingerprint(sum.Sum(nil))
}
