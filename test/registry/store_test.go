package registry

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// TestHeadAgreesWithGet compares the status, headers and length of both, over both protocols.
func TestHeadAgreesWithGet(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path   string
		status int
		code   string
	}{
		"a tag":                        {path: "/v2/shop/web/manifests/1", status: 200},
		"a tag that is missing":        {path: "/v2/shop/web/manifests/gone", status: 404, code: "MANIFEST_UNKNOWN"},
		"a repository that is missing": {path: "/v2/shop/gone/manifests/1", status: 404, code: "NAME_UNKNOWN"},
		"a blob":                       {path: "/v2/shop/web/blobs/%s", status: 200},
		"a blob that is missing":       {path: "/v2/shop/web/blobs/sha256:0", status: 404, code: "BLOB_UNKNOWN"},
		"a blob of another repository": {path: "/v2/shop/other/blobs/%s", status: 404, code: "BLOB_UNKNOWN"},
		"an unknown kind of object":    {path: "/v2/shop/web/nonsense/1", status: 404, code: "METHOD_UNKNOWN"},
	}
	for title, tt := range tests {
		for proto, cfg := range map[string]Config{"HTTP/2": {}, "HTTP/1.1": {PlainHTTP: true}} {
			t.Run(title+" over "+proto, func(t *testing.T) {
				t.Parallel()
				s, _ := withImage(t, cfg)
				digest, err := s.PushBlob("shop/web", []byte("0123456789"))
				if err != nil {
					t.Fatalf("PushBlob: %v", err)
				}
				pushImage(t, s, "shop/other:1")
				path := strings.Replace(tt.path, "%s", digest, 1)
				got := send(t, s, request{path: path})
				got.wantStatus(t, tt.status, tt.code)
				headed := send(t, s, request{method: http.MethodHead, path: path})
				headed.wantStatus(t, tt.status, "")
				for _, resp := range []response{got, headed} {
					resp.Header.Del("Date")
				}
				if diff := cmp.Diff(got.Header, headed.Header); diff != "" {
					t.Errorf("headers (-GET +HEAD):\n%s", diff)
				}
				if want := strconv.Itoa(len(got.body)); headed.Header.Get("Content-Length") != want || headed.body != "" {
					t.Errorf("HEAD: got length %s, want %s", headed.Header.Get("Content-Length"), want)
				}
				if mediaType := got.Header.Get("Content-Type"); tt.code != "" && mediaType != "application/json" {
					t.Errorf("got an error as %q, want JSON", mediaType)
				}
			})
		}
	}
}

func TestDigestHeaderIsTheDigestOfTheBody(t *testing.T) {
	t.Parallel()
	s, digest := withImage(t, Config{})
	for _, object := range []string{"1", digest} {
		resp := send(t, s, request{path: "/v2/shop/web/manifests/" + object})
		hash := fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(resp.body)))
		if got := resp.Header.Get("Docker-Content-Digest"); got != digest || hash != digest {
			t.Errorf("%s: got digest %s of a body with %s, want %s", object, got, hash, digest)
		}
	}
}

func TestBlobRange(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	digest, err := s.PushBlob("shop/web", []byte("0123456789"))
	if err != nil {
		t.Fatalf("PushBlob: %v", err)
	}
	tests := map[string]struct {
		header string
		status int
		body   string
	}{
		"the whole blob": {status: 200, body: "0123456789"},
		"from the start": {header: "bytes=0-", status: 206, body: "0123456789"},
		"the middle":     {header: "bytes=2-4", status: 206, body: "234"},
		"the rest":       {header: "bytes=7-", status: 206, body: "789"},
		"after the end":  {header: "bytes=10-", status: 416},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			q := request{path: "/v2/shop/web/blobs/" + digest}
			if tt.header != "" {
				q.header = http.Header{"Range": {tt.header}}
			}
			resp := send(t, s, q)
			resp.wantStatus(t, tt.status, "")
			if tt.body != "" && resp.body != tt.body {
				t.Errorf("got body %q, want %q", resp.body, tt.body)
			}
		})
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for _, tag := range []string{"c", "a", "d", "b"} {
		pushImage(t, s, "shop/web:"+tag)
	}
	const next = `</v2/shop/web/tags/list?`
	tests := map[string]struct {
		query string
		body  string
		link  string
	}{
		"all":                    {body: `["a","b","c","d"]`},
		"the first page":         {query: "?n=2", body: `["a","b"]`, link: next + `last=b&n=2>; rel="next"`},
		"the last page":          {query: "?n=2&last=b", body: `["c","d"]`},
		"after the end":          {query: "?n=2&last=d", body: `[]`},
		"after a missing tag":    {query: "?n=1&last=bb", body: `["c"]`, link: next + `last=c&n=1>; rel="next"`},
		"a page for all tags":    {query: "?n=4", body: `["a","b","c","d"]`},
		"an invalid page length": {query: "?n=x", body: `["a","b","c","d"]`},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			resp := send(t, s, request{path: "/v2/shop/web/tags/list" + tt.query})
			resp.wantStatus(t, http.StatusOK, "")
			if want := `{"name":"shop/web","tags":` + tt.body + `}`; resp.body != want {
				t.Errorf("got body %s, want %s", resp.body, want)
			}
			if got := resp.Header.Get("Link"); got != tt.link {
				t.Errorf("got link %q, want %q", got, tt.link)
			}
		})
	}
	send(t, s, request{path: "/v2/shop/gone/tags/list"}).wantStatus(t, http.StatusNotFound, "NAME_UNKNOWN")
}

func TestClientLibraryListsTags(t *testing.T) {
	t.Parallel()
	s, n := startNamed(t, Config{})
	for _, tag := range []string{"a", "b", "c"} {
		pushImage(t, s, "shop/web:"+tag)
	}
	repository, err := name.NewRepository("registry.example/shop/web")
	if err != nil {
		t.Fatalf("NewRepository: %v", err)
	}
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	got, err := remote.List(repository, remote.WithTransport(transport), remote.WithPageSize(1))
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// TestPushOverTheNetwork pushes to a registry without authentication, as every client may.
func TestPushOverTheNetwork(t *testing.T) {
	t.Parallel()
	_, n := startNamed(t, Config{})
	img, err := random.Image(64, 2)
	if err != nil {
		t.Fatalf("random.Image: %v", err)
	}
	target, err := name.NewTag("registry.example/shop/web:1")
	if err != nil {
		t.Fatalf("NewTag: %v", err)
	}
	transport := n.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	if err := remote.Write(target, img, remote.WithTransport(transport)); err != nil {
		t.Fatalf("Write: %v", err)
	}
	want, err := img.Digest()
	if err != nil {
		t.Fatalf("Digest: %v", err)
	}
	if got, err := head(t, n, "shop/web:1", Account{}); err != nil || got != want.String() {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestUploadedBlobMustMatchItsDigest(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	digest := "sha256:" + strings.Repeat("0", 64)
	resp := send(t, s, request{
		method: http.MethodPost, path: "/v2/shop/web/blobs/uploads/?digest=" + digest, body: strings.NewReader("x"),
	})
	resp.wantStatus(t, http.StatusBadRequest, "DIGEST_INVALID")
	send(t, s, request{path: "/v2/shop/web/blobs/" + digest}).wantStatus(t, http.StatusNotFound, "BLOB_UNKNOWN")
}

// TestBlobStoreForTheInMemoryRegistry tests the methods that go-containerregistry calls.
func TestBlobStoreForTheInMemoryRegistry(t *testing.T) {
	t.Parallel()
	c := newContent(0)
	c.blobs.put("shop/web@sha256:"+strings.Repeat("a", 64), []byte("x"))
	body, err := c.blobs.Get(t.Context(), "shop/web", v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)})
	if err != nil {
		t.Fatalf("Get: %v", err)
	}
	var got bytes.Buffer
	if _, err := got.ReadFrom(body); err != nil || got.String() != "x" {
		t.Errorf("Get: got %q, %v, want x", got.String(), err)
	}
	if _, err := c.blobs.Get(t.Context(), "shop/web", v1.Hash{}); err == nil {
		t.Error("Get of a blob that is missing: got no error")
	}
}
