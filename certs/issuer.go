package certs

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	corev1 "k8s.io/api/core/v1"
)

const (
	// authorityName is the subject of the certificate authority.
	authorityName = "pullgate-ca"
	// authorityKeyKey is the key of the authority's private key in the Secret. Its certificate is in ca.crt.
	authorityKeyKey = "ca.key"

	authorityValidity = 10 * 365 * 24 * time.Hour
	servingValidity   = 365 * 24 * time.Hour
	// renewBefore is the remaining validity at which a certificate is renewed.
	renewBefore = 90 * 24 * time.Hour
	// clockSkew is the tolerated difference between the clocks of the cluster's machines.
	clockSkew = time.Hour
)

// issuer issues the authority and the serving certificate in the data of a Secret.
type issuer struct{ rotator.CertRotator }

func newIssuer(namespace string) *issuer {
	return &issuer{rotator.CertRotator{
		CAName:         authorityName,
		CAOrganization: "pullgate",
		DNSName:        ServerName(namespace),
		ExtraDNSNames:  extraNames(namespace),
		ExtKeyUsages:   &[]x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}}
}

// renew returns the data with pairs that are valid for renewBefore at least, and whether it differs from the given one. A valid
// authority is kept, so that the other replicas' certificates remain trusted.
func (i *issuer) renew(data map[string][]byte, now time.Time) (renewed map[string][]byte, changed bool, err error) {
	caCert, caKey, cert, key := data[corev1.ServiceAccountRootCAKey], data[authorityKeyKey], data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]
	authority, err := parseAuthority(caCert, caKey)
	begin, deadline := now.Add(-clockSkew), now.Add(renewBefore)
	switch {
	case err != nil || !isValid(caCert, caCert, caKey, i.CAName, nil, now, deadline):
		authority, err = i.CreateCACert(begin, now.Add(authorityValidity))
		if err != nil {
			return nil, false, fmt.Errorf("issuing the authority: %w", err)
		}
	case isValid(caCert, cert, key, i.DNSName, i.ExtKeyUsages, now, deadline):
		return data, false, nil
	}
	cert, key, err = i.CreateCertPEM(authority, begin, now.Add(servingValidity))
	if err != nil {
		return nil, false, fmt.Errorf("issuing the serving certificate: %w", err)
	}
	return map[string][]byte{
		corev1.ServiceAccountRootCAKey: authority.CertPEM, authorityKeyKey: authority.KeyPEM,
		corev1.TLSCertKey: cert, corev1.TLSPrivateKeyKey: key,
	}, true, nil
}

// isValid reports whether a pair of this authority is valid at all these times.
func isValid(authority, cert, key []byte, name string, usages *[]x509.ExtKeyUsage, times ...time.Time) bool {
	for _, at := range times {
		if ok, err := rotator.ValidCert(authority, cert, key, name, usages, at); err != nil || !ok {
			return false
		}
	}
	return true
}

func parseAuthority(cert, key []byte) (*rotator.KeyPairArtifacts, error) {
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	private, ok := pair.PrivateKey.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the key of the authority is not an RSA key")
	}
	return &rotator.KeyPairArtifacts{Cert: pair.Leaf, Key: private, CertPEM: cert, KeyPEM: key}, nil
}
