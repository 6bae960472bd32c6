package certs

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
)

// validPair returns a pair that is valid in this period.
func validPair(t *testing.T, begin, end time.Time) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: begin, NotAfter: end}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	return pair{
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	}
}

// followed starts a Serving.
func followed(t *testing.T, dir string) *Serving {
	t.Helper()
	s := NewServing(dir, logr.Discard())
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- s.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("Start: %v", err)
		}
	})
	return s
}

func awaitExpiry(t *testing.T, s *Serving, want time.Time) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for !s.Expiry().Equal(want) {
		select {
		case <-deadline:
			t.Fatalf("Expiry() = %v, want %v", s.Expiry(), want)
		case <-time.After(time.Millisecond):
		}
	}
}

func TestServingChecksTheValidity(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	tests := map[string]struct {
		begin, end time.Time
		want       string
	}{
		"valid":         {now.Add(-time.Hour), now.Add(time.Hour), ""},
		"expired":       {now.Add(-2 * time.Hour), now.Add(-time.Hour), "the certificate expired at " + now.Add(-time.Hour).UTC().Format(time.RFC3339)},
		"not yet valid": {now.Add(time.Hour), now.Add(2 * time.Hour), "the certificate is not valid before " + now.Add(time.Hour).UTC().Format(time.RFC3339)},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			mustWrite(t, dir, validPair(t, tc.begin, tc.end))
			s := followed(t, dir)
			awaitExpiry(t, s, tc.end)
			got := ""
			if err := s.Check(nil); err != nil {
				got = err.Error()
			}
			if got != tc.want {
				t.Errorf("Check() = %q, want %q", got, tc.want)
			}
		})
	}
}

// The files may appear after the start, and an expired certificate may be renewed.
func TestServingFollowsTheFiles(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	dir := t.TempDir()
	s := followed(t, dir)
	if err := s.Check(nil); err == nil || !strings.Contains(err.Error(), "does not exist yet") {
		t.Errorf("Check() = %v without files, want an error", err)
	}
	if _, err := s.GetCertificate(nil); err == nil || !s.Expiry().IsZero() {
		t.Errorf("GetCertificate() = %v, Expiry() = %v without files, want an error and zero", err, s.Expiry())
	}
	mustWrite(t, dir, validPair(t, now.Add(-2*time.Hour), now.Add(-time.Hour)))
	awaitExpiry(t, s, now.Add(-time.Hour))
	mustWrite(t, dir, validPair(t, now.Add(-time.Hour), now.Add(time.Hour)))
	awaitExpiry(t, s, now.Add(time.Hour))
	if err := s.Check(nil); err != nil {
		t.Errorf("Check() = %v after the renewal", err)
	}
}
