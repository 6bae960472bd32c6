package containerd_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strconv"
	"testing"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/podspec"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
)

const contentImage = "registry.example/shop/web:1"

// TestContent lets one node pull an image whose descriptors may be broken and whose content may be missing, and compares the
// result with the verdicts. The deep check must agree. The default check must agree if the manifests themselves are in order.
func TestContent(t *testing.T) {
	t.Parallel()
	server := &contentServer{}
	client, err := registry.New(registry.Options{Instrument: func(http.RoundTripper) http.RoundTripper { return server }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	shallow, deep := newContentChecker(client, false), newContentChecker(client, true)
	counts := map[string]int{}
	for seed := range uint64(rounds) {
		w := newContentWriter(seed)
		w.write()
		*server = contentServer{content: w.served, mediaType: w.mediaType, root: w.root, length: w.length}
		pullErr := pullContent(t.Context(), server)
		for name, c := range map[string]*preflight.Checker{"shallow": shallow, "deep": deep} {
			v := c.Check(t.Context(), imagepull.Pod{Uses: []imagepull.Use{podspec.Image(contentImage)}}, nil)[0].Verdict
			agree := v.Outcome() == imagepull.Indeterminate || (v.Outcome() == imagepull.Pullable) == (pullErr == nil)
			unseen := name == "shallow" && w.broken && v.Outcome() == imagepull.Pullable
			if !agree && !unseen {
				t.Errorf("{seed: %d, %s}: the node: %v; %s check: %s %s\n%s", seed, w.log, pullErr, name, v.Reason, v.Detail, w.body)
			}
			counts[fmt.Sprintf("%s %s", name, v.Outcome())]++
		}
	}
	wantVariety(t, counts)
}

func newContentChecker(client *registry.Client, deep bool) *preflight.Checker {
	return preflight.New(preflight.Options{
		Resolver:    stable{client},
		Manifests:   stable{registry.NewManifestResolver(client)},
		Contents:    stable{registry.NewDeepResolver(client)},
		Deep:        deep,
		Credentials: secrets.Files{}, Nodes: nodes.Declared{{OS: "linux", Architecture: "amd64"}},
	})
}

// stable is a resolver for a registry that always returns the same response. A second request would confirm every verdict.
type stable struct {
	resolver interface {
		Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict
	}
}

func (s stable) Resolve(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	return s.resolver.Resolve(ctx, ref, cred)
}

func (s stable) Confirm(ctx context.Context, ref imagepull.Reference, cred imagepull.Credential) imagepull.Verdict {
	v := s.resolver.Resolve(ctx, ref, cred)
	v.Confirmed = true
	return v
}

// contentServer is a registry without a network.
type contentServer struct {
	content   map[digest.Digest][]byte
	mediaType map[digest.Digest]string
	root      digest.Digest
	// length is the length in the response to HEAD for the tag.
	length int
}

// RoundTrip implements http.RoundTripper.
func (s *contentServer) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	s.serve(w, r)
	resp := w.Result()
	resp.Request = r
	if length, err := strconv.ParseInt(resp.Header.Get("Content-Length"), 10, 64); err == nil {
		resp.ContentLength = length
	}
	return resp, nil
}

func (s *contentServer) serve(w http.ResponseWriter, r *http.Request) {
	kind, object := path.Base(path.Dir(r.URL.Path)), digest.Digest(path.Base(r.URL.Path))
	if object == "1" {
		object = s.root
	}
	body, ok := s.content[object]
	mediaType, isManifest := s.mediaType[object]
	if !ok || isManifest != (kind == "manifests") {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if mediaType == "" {
		mediaType = "application/octet-stream"
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Docker-Content-Digest", object.String())
	if object == s.root && r.Method == http.MethodHead {
		w.Header().Set("Content-Length", strconv.Itoa(s.length))
		return
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
