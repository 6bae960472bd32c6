package cluster

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"
)

// authority signs the certificates of one run of the cluster. Its key is not stored.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
}

// pair is a certificate and its key in PEM form.
type pair struct{ cert, key []byte }

func newAuthority() (*authority, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	template := certificate("Cluster CA")
	template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing the CA's certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the CA's certificate: %w", err)
	}
	return &authority{key: key, cert: cert}, nil
}

// pem returns the authority's certificate.
func (a *authority) pem() []byte { return encode("CERTIFICATE", a.cert.Raw) }

// server creates a certificate for the names and addresses.
func (a *authority) server(names ...string) (pair, error) {
	template := certificate("Cluster server")
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	return a.sign(template)
}

// client creates a certificate that authenticates the user to the API server.
func (a *authority) client(u user) (pair, error) {
	template := certificate(u.name)
	template.Subject.Organization = u.groups
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(template)
}

func (a *authority) sign(template *x509.Certificate) (pair, error) {
	template.KeyUsage = x509.KeyUsageDigitalSignature
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return pair{}, fmt.Errorf("signing the certificate of %s: %w", template.Subject.CommonName, err)
	}
	private, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{cert: encode("CERTIFICATE", der), key: private}, nil
}

// serviceAccountKeys creates the key pair for tokens of service accounts.
func serviceAccountKeys() (pair, error) {
	key, err := newKey()
	if err != nil {
		return pair{}, err
	}
	private, err := encodeKey(key)
	if err != nil {
		return pair{}, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return pair{}, fmt.Errorf("encoding a public key: %w", err)
	}
	return pair{cert: encode("PUBLIC KEY", public), key: private}, nil
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a key: %w", err)
	}
	return key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a key: %w", err)
	}
	return encode("EC PRIVATE KEY", der), nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// certificate returns the fields that all certificates share. They expire long after the cluster stops.
func certificate(commonName string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: commonName}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
	}
}

// write writes the pair to NAME.crt and NAME.key in the folder.
func (p pair) write(dir, name string) error {
	for suffix, data := range map[string][]byte{".crt": p.cert, ".key": p.key} {
		if err := os.WriteFile(filepath.Join(dir, name+suffix), data, 0o600); err != nil {
			return fmt.Errorf("writing the keys of %s: %w", name, err)
		}
	}
	return nil
}
