package main

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pullgate/pullgate/test/registry"
)

func newCA(t *testing.T) *registry.CA {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func clientCertificate(t *testing.T, ca *registry.CA, commonName string, names ...string) tls.Certificate {
	t.Helper()
	cert, err := ca.ClientCertificate(commonName, names...)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// clientServer is an HTTPS server with the TLS option of the flags.
type clientServer struct {
	url, file string
	ca        *registry.CA
	log       *bytes.Buffer
}

func newClientServer(t *testing.T, ca *registry.CA, names ...string) clientServer {
	t.Helper()
	s := clientServer{file: filepath.Join(t.TempDir(), "ca.crt"), ca: newCA(t), log: &bytes.Buffer{}}
	s.write(t, ca.PEM())
	options := clientOptions{caFile: s.file, allowedNames: names}
	change, err := options.tlsOption(slog.New(slog.NewJSONHandler(s.log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	serving, err := s.ca.Certificate()
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{serving}}
	change(config)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Listener = tls.NewListener(server.Listener, config)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	s.url = "https://" + server.Listener.Addr().String()
	return s
}

func (s clientServer) write(t *testing.T, data []byte) {
	t.Helper()
	if err := os.WriteFile(s.file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// call sends a request on a new connection.
func (s clientServer) call(t *testing.T, certs ...tls.Certificate) error {
	t.Helper()
	_, err := s.send(t, &tls.Config{RootCAs: s.ca.Pool(), Certificates: certs, MinVersion: tls.VersionTLS12})
	return err
}

// send sends a request on a new connection, and closes the body of the response.
func (s clientServer) send(t *testing.T, config *tls.Config) (*http.Response, error) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	return resp, resp.Body.Close()
}

func TestClientsNeedACertificate(t *testing.T) {
	t.Parallel()
	ca, other := newCA(t), newCA(t)
	serving, err := ca.Certificate("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	const name = "kube-apiserver"
	tests := map[string]struct {
		names []string
		certs []tls.Certificate
		want  bool
	}{
		"any name":                    {nil, []tls.Certificate{clientCertificate(t, ca, "any")}, true},
		"the common name":             {[]string{"x", name}, []tls.Certificate{clientCertificate(t, ca, name)}, true},
		"a DNS name":                  {[]string{name}, []tls.Certificate{clientCertificate(t, ca, "any", name)}, true},
		"no certificate":              {nil, nil, false},
		"another CA":                  {nil, []tls.Certificate{clientCertificate(t, other, name)}, false},
		"another CA of the same name": {[]string{name}, []tls.Certificate{clientCertificate(t, other, name)}, false},
		"another name":                {[]string{name}, []tls.Certificate{clientCertificate(t, ca, "kubelet", "node")}, false},
		"part of a name":              {[]string{name}, []tls.Certificate{clientCertificate(t, ca, name+".example")}, false},
		"a certificate of a server":   {nil, []tls.Certificate{serving}, false},
	}
	for title, test := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			if err := newClientServer(t, ca, test.names...).call(t, test.certs...); (err == nil) != test.want {
				t.Errorf("call: %v, want success: %t", err, test.want)
			}
		})
	}
}

// Without the flag, clients need no certificate.
func TestClientsNeedNoCertificateByDefault(t *testing.T) {
	t.Parallel()
	var o clientOptions
	change, err := o.tlsOption(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	var c tls.Config
	if change(&c); c.ClientAuth != tls.NoClientCert || c.GetConfigForClient != nil {
		t.Errorf("got client authentication %v, want none", c.ClientAuth)
	}
}

func TestClientCAIsReadAgain(t *testing.T) {
	t.Parallel()
	before, after := newCA(t), newCA(t)
	s := newClientServer(t, before)
	old, renewed := clientCertificate(t, before, "a"), clientCertificate(t, after, "a")
	wantOnly := func(step string, accepted, refused tls.Certificate) {
		t.Helper()
		if err := s.call(t, accepted); err != nil {
			t.Errorf("%s: %v, want success", step, err)
		}
		if s.call(t, refused) == nil {
			t.Errorf("%s: the certificate of the other CA was accepted", step)
		}
	}
	wantOnly("at start", old, renewed)
	// The comment changes the size, because the time of a file may be coarse.
	s.write(t, append([]byte("# renewed\n"), after.PEM()...))
	wantOnly("renewed", renewed, old)
	s.write(t, []byte("no PEM"))
	wantOnly("invalid", renewed, old)
	if err := os.Remove(s.file); err != nil {
		t.Fatal(err)
	}
	wantOnly("removed", renewed, old)
	s.write(t, before.PEM())
	if err := os.Chtimes(s.file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantOnly("written again", old, renewed)
	if got := strings.Count(s.log.String(), "\n"); got != 2 {
		t.Errorf("log:\n%swant one line for the invalid file and one for the missing file", s.log)
	}
}

// A resumed session would skip the verification of the certificate.
func TestClientSessionsAreNotResumed(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			ca := newCA(t)
			s := newClientServer(t, ca)
			config := &tls.Config{
				RootCAs: s.ca.Pool(), Certificates: []tls.Certificate{clientCertificate(t, ca, "a")},
				ClientSessionCache: tls.NewLRUClientSessionCache(1), MinVersion: version, MaxVersion: version,
			}
			for range 2 {
				resp, err := s.send(t, config)
				if err != nil {
					t.Fatal(err)
				}
				if resp.TLS.DidResume {
					t.Error("the second connection resumes the session of the first")
				}
			}
		})
	}
}

func TestInvalidClientFlagsAreReported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.crt")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.crt")
	tests := map[string]struct {
		options clientOptions
		want    string
	}{
		"a missing file": {
			clientOptions{caFile: missing}, "--client-ca-file: reading " + missing + ": no such file or directory",
		},
		"a directory":            {clientOptions{caFile: dir}, "--client-ca-file: reading " + dir + ": is a directory"},
		"a file without PEM":     {clientOptions{caFile: empty}, "--client-ca-file: reading " + empty + ": no certificate in PEM format"},
		"names without the file": {clientOptions{allowedNames: []string{"a"}}, "--client-allowed-names requires --client-ca-file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := test.options.tlsOption(slog.New(slog.DiscardHandler))
			if err == nil || err.Error() != test.want {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
}
