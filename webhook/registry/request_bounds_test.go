package registry_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestBodiesWithoutEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		floods func(*http.Request) bool
		early  http.HandlerFunc
		want   string
	}{
		"an index": {
			floods: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early: func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", ociIndex)
				w.Header().Set("Content-Length", "100")
				w.Header().Set("Docker-Content-Digest", absentDigest)
			},
			want: "UnsupportedImage: the index is larger than the nodes' runtime accepts",
		},
		"a manifest by GET": {
			floods: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early:  func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Type", ociManifest) },
			want:   tooLarge,
		},
		"an error": {
			floods: func(r *http.Request) bool { return r.Method == http.MethodGet },
			early:  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) },
			want:   "NotFound: tag not found",
		},
		"a token": {
			floods: func(r *http.Request) bool { return r.URL.Path == "/token" },
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
			client := newHostileClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				test.early(w, r)
				if test.floods(r) {
					w.Header().Del("Content-Length")
					f.write(w)
				}
			}), time.Minute)
			wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()), test.want)
			if taken := f.taken.Load(); taken >= floodBytes {
				t.Errorf("the client read all %d bytes", taken)
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
		client := newHostileClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Errorf("Hijack: %v", err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nX: ")
			f.write(conn)
		}), time.Minute)
		wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()), broken)
		if taken := f.taken.Load(); taken >= floodBytes {
			t.Errorf("the client read all %d bytes", taken)
		}
	})
	t.Run("HTTP/2", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, testregistry.Config{})
		w.Fault(testregistry.Fault{Header: http.Header{"X": {strings.Repeat("x", 128<<10)}}})
		wantVerdict(t, w.resolve(web, anonymous()), broken)
	})
}

func TestSlowBodyTimesOut(t *testing.T) {
	t.Parallel()
	client := newHostileClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", ociManifest)
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	}), 200*time.Millisecond)
	wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: no response in time; transient")
}

// A server that notices the timeout may end the body as if it were complete.
func TestBodyThatEndsAtTheTimeoutIsIncomplete(t *testing.T) {
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
					resp.Body = io.NopCloser(blockingBody{r.Context()})
				}
				return resp, nil
			})
		},
	})
	wantVerdict(t, client.Resolve(t.Context(), reference("example.com/shop/web:1"), anonymous()),
		"RegistryUnavailable: no response in time; transient")
}
