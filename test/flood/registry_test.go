package flood

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/test/registry"
)

const (
	ociIndex    = "application/vnd.oci.image.index.v1+json"
	ociManifest = "application/vnd.oci.image.manifest.v1+json"
	// giant is the length of a body without an end in practice.
	giant = 1 << 30
)

// registries is a server that plays all registries. The first element of a repository's name selects what its images do.
type registries struct {
	ca   *registry.CA
	port string
	// documents are the indexes and manifests by the first element.
	documents map[string]document
	bomb      []byte
}

type document struct{ contentType, body string }

// startRegistries starts the server. All loopback addresses that hostOf returns lead to it.
func startRegistries(t *testing.T, hosts int) *registries {
	t.Helper()
	ca, err := registry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	var names []string
	for i := range hosts {
		names = append(names, address(i))
	}
	certificate, err := ca.Certificate(names...)
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	entry := fmt.Sprintf(`{"mediaType":%q,"digest":"sha256:%064d","size":7,"platform":{"os":"linux","architecture":"arm64"}}`, ociManifest, 7)
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = io.CopyN(z, zeros{}, 64<<20)
	_ = z.Close()
	r := &registries{ca: ca, bomb: bomb.Bytes(), documents: map[string]document{
		"good":    {ociManifest, `{"config":{},"layers":[]}`},
		"empty":   {ociIndex, `{"manifests":[` + strings.Repeat("{},", 1_400_000) + `{}]}`},
		"entries": {ociIndex, `{"manifests":[` + strings.Repeat(entry+",", 999) + entry + `]}`},
		"text":    {ociIndex, `{"manifests":[],"annotations":{"a":"` + strings.Repeat("x", 4_300_000) + `"}}`},
	}}
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(r)
	_ = server.Listener.Close()
	server.Listener = listener
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	_, r.port, err = net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// address returns the address of a registry. Every address of 127.0.0.0/8 is the machine's own on Linux.
func address(i int) string { return fmt.Sprintf("127.0.%d.%d", i/200, i%200+2) }

// host returns the authority of a registry.
func (r *registries) host(i int) string { return net.JoinHostPort(address(i), r.port) }

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// ServeHTTP implements http.Handler.
func (r *registries) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(req.URL.Path, "/v2/"), "/")
	d, known := r.documents[kind]
	get := req.Method == http.MethodGet
	switch {
	case kind == "good" && strings.HasSuffix(req.URL.Path, "-gone"):
		w.WriteHeader(http.StatusNotFound)
	case known:
		w.Header().Set("Content-Type", d.contentType)
		w.Header().Set("Docker-Content-Digest", digest.FromString(d.body).String())
		w.Header().Set("Content-Length", fmt.Sprint(len(d.body)))
		if get {
			_, _ = io.WriteString(w, d.body)
		}
	case kind == "header":
		for i := range 64 {
			w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 60<<10))
		}
	case kind == "token":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s/v2/giant/token"`, req.Host))
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("Content-Type", ociIndex)
		switch {
		case kind == "error":
			w.WriteHeader(http.StatusNotFound)
		case kind == "bomb" && get:
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(r.bomb)
			return
		}
		if get {
			r.stream(w, req, kind == "slow")
		}
	}
}

// stream sends 1 GiB, or only so much that the body needs a place and then a byte from time to time.
func (r *registries) stream(w http.ResponseWriter, req *http.Request, slow bool) {
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for sent := 0; sent < giant; sent += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return
		}
		if !slow {
			continue
		}
		chunk = chunk[:1]
		_ = http.NewResponseController(w).Flush()
		select {
		case <-req.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}
