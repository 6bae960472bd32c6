package registry_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// flood writes 100 MiB or as much as the client takes, and counts it.
type flood struct{ taken atomic.Int64 }

const floodBytes = 100 << 20

func (f *flood) pour(w io.Writer) {
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for f.taken.Load() < floodBytes {
		n, err := w.Write(chunk)
		f.taken.Add(int64(n))
		if err != nil {
			return
		}
	}
}

// hostile serves a handler as registry.example.com by HTTP/1.1, and returns a client of it.
func hostile(t *testing.T, handler http.Handler, timeout time.Duration) *registry.Client {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return newClient(t, registry.Options{
		RootCAs: pool, DialContext: dialTo(s.Listener.Addr().String()),
		RequestTimeout: timeout, ConnectTimeout: time.Minute, ManifestBytes: 1 << 20,
	})
}

func TestBodiesWithoutEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		pours func(*http.Request) bool
		early http.HandlerFunc
		want  string
	}{
		"an index": {
			pours: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", ociIndex)
				w.Header().Set("Content-Length", "100")
				w.Header().Set("Docker-Content-Digest", absentDigest)
			},
			want: "UnsupportedImage: the index is larger than the nodes' runtime accepts",
		},
		"a manifest by GET": {
			pours: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early: func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", ociManifest) },
			want:  tooLarge,
		},
		"an error": {
			pours: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
			want:  "NotFound: tag not found",
		},
		"a token": {
			pours: func(r *http.Request) bool { return r.URL.Path == "/token" },
			early: func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/token" {
					w.Header().Set("WWW-Authenticate", `Bearer realm="https://example.com/token"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				_, _ = io.WriteString(w, `{"token":"`)
			},
			want: noToken,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &flood{}
			client := hostile(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.early(w, r)
				if test.pours(r) {
					w.Header().Del("Content-Length")
					f.pour(w)
				}
			}), time.Minute)
			wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()), test.want)
			if taken := f.taken.Load(); taken >= floodBytes {
				t.Errorf("all %d bytes were taken", taken)
			}
		})
	}
}

func TestHeadersWithoutEnd(t *testing.T) {
	t.Parallel()
	const broken = "RegistryUnavailable: the connection broke; transient"
	t.Run("HTTP/1.1", func(t *testing.T) {
		t.Parallel()
		f := &flood{}
		client := hostile(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("Hijack: %v", err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: ")
			f.pour(conn)
		}), time.Minute)
		wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()), broken)
		if taken := f.taken.Load(); taken >= floodBytes {
			t.Errorf("all %d bytes were taken", taken)
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, testregistry.Config{})
		w.Fault(testregistry.Fault{Header: http.Header{"X": {strings.Repeat("x", 128<<10)}}})
		wantVerdict(t, w.ask(web, anonymous()), broken)
	})
}

func TestABodyThatDripsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	client := hostile(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ociManifest)
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}), 200*time.Millisecond)
	wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: no answer in time; transient")
}

// TestABodyThatEndsWithTheTime is none, though it looks whole: a server that hears of the end may finish its answer.
func TestABodyThatEndsWithTheTime(t *testing.T) {
	t.Parallel()
	client := newClient(t, registry.Options{
		RequestTimeout: 20 * time.Millisecond,
		Instrument: func(http.RoundTripper) http.RoundTripper {
			return roundTripFunc(func(r *http.Request) (*http.Response, error) {
				resp := &http.Response{
					StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {ociIndex}}, ContentLength: -1, Request: r,
					Body: http.NoBody,
				}
				if r.Method == http.MethodGet {
					resp.Body = io.NopCloser(untilTheEnd{r.Context()})
				}
				return resp, nil
			})
		},
	})
	wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: no answer in time; transient")
}

// untilTheEnd is a body that ends as soon as its reader has no time any more.
type untilTheEnd struct{ ctx context.Context }

func (b untilTheEnd) Read([]byte) (int, error) {
	<-b.ctx.Done()
	return 0, io.EOF
}
