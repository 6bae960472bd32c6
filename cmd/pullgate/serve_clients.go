package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"
)

// clientOptions are the flags that decide which clients may connect to the webhook.
type clientOptions struct {
	caFile       string
	allowedNames []string
}

func (o *clientOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.caFile, "client-ca-file", "",
		"`file` with CA certificates; clients of the webhook then need a certificate of one of them for client authentication")
	flags.StringSliceVar(&o.allowedNames, "client-allowed-names", nil,
		"`names` that are allowed as common name or DNS name of the client certificate; all are allowed without it")
}

// tlsOption returns a function that changes the TLS settings of the webhook. The ports of probes and metrics keep theirs.
func (o *clientOptions) tlsOption(log *slog.Logger) (func(*tls.Config), error) {
	switch {
	case o.caFile == "" && len(o.allowedNames) > 0:
		return nil, errors.New("--client-allowed-names requires --client-ca-file")
	case o.caFile == "":
		return func(*tls.Config) {}, nil
	}
	authorities := &clientAuthorities{file: o.caFile, log: log}
	if err := authorities.load(); err != nil {
		return nil, fmt.Errorf("--client-ca-file: reading %s: %w", o.caFile, err)
	}
	return func(c *tls.Config) { requireClients(c, authorities, o.allowedNames) }, nil
}

// requireClients requires a client certificate of one of the authorities, with one of the names if there are any.
func requireClients(c *tls.Config, authorities *clientAuthorities, names []string) {
	c.ClientAuth = tls.RequireAndVerifyClientCert
	c.SessionTicketsDisabled = true // each connection is verified by the current file
	c.VerifyConnection = func(state tls.ConnectionState) error {
		return allowedName(state.PeerCertificates[0], names)
	}
	c.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		current := c.Clone()
		current.ClientCAs = authorities.current()
		return current, nil
	}
}

// allowedName returns an error unless the certificate has one of the names. Without names, every certificate is allowed.
func allowedName(cert *x509.Certificate, names []string) error {
	if len(names) == 0 || slices.Contains(names, cert.Subject.CommonName) ||
		slices.ContainsFunc(cert.DNSNames, func(name string) bool { return slices.Contains(names, name) }) {
		return nil
	}
	return errors.New("the client certificate has none of the names in --client-allowed-names")
}

// clientAuthorities holds the certificates of a file, and reads it again when it changes.
type clientAuthorities struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex
	pool *x509.CertPool
	// modified and size identify the version of the file that was read last.
	modified time.Time
	size     int64
	// problem is the error of the last attempt to read the file.
	problem error
}

// current returns the certificates of the file. If it is missing or invalid, the certificates that were read before stay in
// use.
func (a *clientAuthorities) current() *x509.CertPool {
	a.mu.Lock()
	defer a.mu.Unlock()
	err := a.load()
	// Clients can cause any number of connections. One message for each problem is enough.
	if err != nil && a.problem == nil {
		a.log.Warn("cannot read the client CA again, using its former certificates", "file", a.file, "error", err)
	}
	a.problem = err
	return a.pool
}

// load reads the file if it has changed since it was read.
func (a *clientAuthorities) load() error {
	info, err := os.Stat(a.file)
	if err != nil {
		return cause(err)
	}
	if info.ModTime().Equal(a.modified) && info.Size() == a.size {
		return nil
	}
	data, err := os.ReadFile(a.file)
	if err != nil {
		return cause(err)
	}
	a.modified, a.size = info.ModTime(), info.Size()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(data) {
		return errors.New("no certificate in PEM format")
	}
	a.pool = pool
	return nil
}

// cause returns the error of the operating system without the path, which the caller adds.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
