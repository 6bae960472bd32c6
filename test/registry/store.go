package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// content serves the API without authentication. It stores manifests in go-containerregistry's in-memory registry, and
// corrects its differences from real registries. A blob belongs to one repository and supports ranges, tag lists are
// paged, and errors have the content type of JSON.
type content struct {
	inner http.Handler
	blobs *blobStore
	seeds seeds
}

var _ http.Handler = (*content)(nil)

func newContent(seed uint64) *content {
	blobs := &blobStore{blobs: map[string][]byte{}}
	silent := registry.Logger(log.New(io.Discard, "", 0))
	return &content{
		inner: registry.New(silent, registry.WithBlobHandler(blobs)),
		blobs: blobs,
		seeds: seeds{seed: seed, drawn: map[string]uint64{}},
	}
}

// ServeHTTP serves the whole API to every caller.
func (c *content) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Docker-Distribution-API-Version", "registry/2.0")
	repository, kind, object := splitPath(r.URL.Path)
	switch {
	case kind == "blobs" && isRead(r):
		c.serveBlob(w, r, repository+"@"+object)
	case kind == "tags" && r.Method == http.MethodGet:
		c.serveTags(w, r, repository)
	default:
		c.inner.ServeHTTP(&typedWriter{ResponseWriter: w}, r)
	}
}

func (c *content) serveBlob(w http.ResponseWriter, r *http.Request, key string) {
	blob, ok := c.blobs.get(key)
	if !ok {
		writeError(w, http.StatusNotFound, codeBlobUnknown)
		return
	}
	_, digest, _ := strings.Cut(key, "@")
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Docker-Content-Digest", digest)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(blob))
}

// serveTags returns the tags after "last", at most "n" of them, with a link to the next page.
func (c *content) serveTags(w http.ResponseWriter, r *http.Request, repository string) {
	tags, ok := c.tags(repository)
	if !ok {
		writeError(w, http.StatusNotFound, codeNameUnknown)
		return
	}
	query := r.URL.Query()
	first, found := slices.BinarySearch(tags, query.Get("last"))
	if found {
		first++
	}
	tags = tags[first:]
	if n, err := strconv.Atoi(query.Get("n")); err == nil && n > 0 && n < len(tags) {
		tags = tags[:n]
		next := url.Values{"n": {strconv.Itoa(n)}, "last": {tags[n-1]}}
		w.Header().Set("Link", "<"+r.URL.Path+"?"+next.Encode()+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, map[string]any{"name": repository, "tags": tags})
}

// tags returns the repository's tags in order, and false if the repository does not exist.
func (c *content) tags(repository string) ([]string, bool) {
	resp := c.do(http.MethodGet, "/v2/"+repository+"/tags/list", "", nil)
	var list struct {
		Tags []string `json:"tags"`
	}
	if resp.Code != http.StatusOK || json.Unmarshal(resp.Body.Bytes(), &list) != nil {
		return nil, false
	}
	return list.Tags, true
}

// exists reports whether the repository exists.
func (c *content) exists(repository string) bool {
	_, ok := c.tags(repository)
	return ok
}

// do sends a request to the in-memory registry without a network.
func (c *content) do(method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	r := &http.Request{
		Method: method,
		URL:    &url.URL{Path: path},
		Header: http.Header{"Content-Type": {contentType}},
		Body:   io.NopCloser(bytes.NewReader(body)),
	}
	w := httptest.NewRecorder()
	c.inner.ServeHTTP(w, r)
	return w
}

// splitPath splits a path of the API: "/v2/shop/web/manifests/1.27" is object 1.27 of kind manifests in the
// repository shop/web. All results are empty for a path without a repository.
func splitPath(path string) (repository, kind, object string) {
	rest, ok := strings.CutPrefix(path, "/v2/")
	elems := strings.Split(rest, "/")
	last := len(elems) - 1
	if !ok || last < 2 {
		return "", "", ""
	}
	switch kind = elems[last-1]; kind {
	case "manifests", "blobs", "tags":
		return strings.Join(elems[:last-1], "/"), kind, elems[last]
	}
	return "", "", ""
}

// rawPrefix marks the media type of a manifest from PushManifest. The in-memory registry validates indexes by their
// media type, so the prefix turns that check off. typedWriter removes the prefix from responses.
const rawPrefix = "raw:"

// typedWriter corrects the content type when the header is written.
type typedWriter struct{ http.ResponseWriter }

// WriteHeader writes the header.
func (w *typedWriter) WriteHeader(status int) {
	header := w.Header()
	mediaType, raw := strings.CutPrefix(header.Get("Content-Type"), rawPrefix)
	switch {
	case status >= http.StatusBadRequest:
		header.Set("Content-Type", "application/json")
	case raw && mediaType == "":
		header["Content-Type"] = nil // present and empty: net/http does not guess a type
	case raw:
		header.Set("Content-Type", mediaType)
	}
	w.ResponseWriter.WriteHeader(status)
}

// blobStore stores blobs under "repository@digest". A blob of one repository is not visible in another.
type blobStore struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

var (
	_ registry.BlobHandler    = (*blobStore)(nil)
	_ registry.BlobPutHandler = (*blobStore)(nil)
)

// Get opens a blob for the in-memory registry.
func (b *blobStore) Get(_ context.Context, repository string, digest v1.Hash) (io.ReadCloser, error) {
	blob, ok := b.get(repository + "@" + digest.String())
	if !ok {
		return nil, registry.ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(blob)), nil
}

// Put stores a blob. The reader verifies its digest. At the end of an upload, go-containerregistry includes the path
// element "blobs" in the repository's name.
func (b *blobStore) Put(_ context.Context, repository string, digest v1.Hash, body io.ReadCloser) error {
	blob, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	b.put(strings.TrimSuffix(repository, "/blobs")+"@"+digest.String(), blob)
	return body.Close()
}

func (b *blobStore) get(key string) ([]byte, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	blob, ok := b.blobs[key]
	return blob, ok
}

func (b *blobStore) put(key string, blob []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blobs[key] = blob
}

// remove deletes the blob, and reports whether it existed.
func (b *blobStore) remove(key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.blobs[key]
	delete(b.blobs, key)
	return ok
}
