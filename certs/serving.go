package certs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// readInterval is the time between two attempts to read files that do not exist.
	readInterval = time.Second
	// readLogInterval is the time between two messages about that.
	readLogInterval = time.Minute
)

var (
	_ manager.Runnable               = (*Serving)(nil)
	_ manager.LeaderElectionRunnable = (*Serving)(nil)
)

// errNoCertificate is returned until the files have been read.
var errNoCertificate = errors.New("the certificate does not exist yet")

// Serving is the certificate of the server, from tls.crt and tls.key in a directory. It follows changes of the files, also if they
// do not exist yet.
type Serving struct {
	dir     string
	log     logr.Logger
	watcher atomic.Pointer[certwatcher.CertWatcher]
}

// NewServing returns the certificate in a directory. It is read by Start.
func NewServing(dir string, log logr.Logger) *Serving { return &Serving{dir: dir, log: log} }

// NeedLeaderElection returns false: every replica serves.
func (*Serving) NeedLeaderElection() bool { return false }

// Start follows the files until the context ends.
func (s *Serving) Start(ctx context.Context) error {
	var logged time.Time
	for ctx.Err() == nil {
		if err := s.follow(ctx); err != nil && time.Since(logged) >= readLogInterval {
			s.log.Error(err, "waiting for the certificate", "directory", s.dir)
			logged = time.Now()
		}
		select {
		case <-ctx.Done():
		case <-time.After(readInterval):
		}
	}
	return nil
}

// follow reads the files, and then watches them until the context ends.
func (s *Serving) follow(ctx context.Context) error {
	watcher, err := certwatcher.New(filepath.Join(s.dir, corev1.TLSCertKey), filepath.Join(s.dir, corev1.TLSPrivateKeyKey))
	if err != nil {
		return err
	}
	s.watcher.Store(watcher)
	return watcher.Start(ctx)
}

// GetCertificate returns the certificate for a TLS handshake (tls.Config.GetCertificate).
func (s *Serving) GetCertificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	watcher := s.watcher.Load()
	if watcher == nil {
		return nil, errNoCertificate
	}
	return watcher.GetCertificate(hello)
}

// Check returns an error if there is no certificate, or if it is not valid now. It is a healthz.Checker: the API server rejects
// such a certificate, so that the replica cannot respond.
func (s *Serving) Check(*http.Request) error {
	certificate, err := s.GetCertificate(nil)
	if err != nil {
		return err
	}
	switch now := time.Now(); {
	case now.Before(certificate.Leaf.NotBefore):
		return fmt.Errorf("the certificate is not valid before %s", certificate.Leaf.NotBefore.UTC().Format(time.RFC3339))
	case now.After(certificate.Leaf.NotAfter):
		return fmt.Errorf("the certificate expired at %s", certificate.Leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}

// Expiry returns the end of the certificate's validity, or the zero time without a certificate.
func (s *Serving) Expiry() time.Time {
	certificate, err := s.GetCertificate(nil)
	if err != nil {
		return time.Time{}
	}
	return certificate.Leaf.NotAfter
}
