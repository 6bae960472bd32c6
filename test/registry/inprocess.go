package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// inProcess is a transport that calls the content directly, without network, authentication, faults and request log.
type inProcess struct{ content *content }

var _ http.RoundTripper = inProcess{}

// RoundTrip passes the request to the content.
func (b inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	inner := r.Clone(r.Context())
	// A server gets URLs without a host. The in-memory registry would read a host as part of the repository's name.
	inner.URL.Scheme, inner.URL.Host = "", ""
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	b.content.ServeHTTP(w, inner)
	resp := w.Result()
	resp.Request = r
	return resp, inner.Body.Close()
}

// parseReference parses a reference without a host, such as "shop/web:1.27".
func parseReference(ref string) (name.Reference, error) {
	target, err := name.ParseReference("registry.test/" + ref)
	if err != nil {
		return nil, fmt.Errorf("parsing reference %q: %w", ref, err)
	}
	return target, nil
}

func manifestPath(target name.Reference) string {
	return "/v2/" + target.Context().RepositoryStr() + "/manifests/" + target.Identifier()
}

// errNoBlob means that the blob to delete does not exist.
var errNoBlob = errors.New("no such blob")

// statusError is the error status that the content returned.
type statusError int

// Error returns the status code and its text.
func (e statusError) Error() string { return fmt.Sprintf("%d %s", int(e), http.StatusText(int(e))) }

// digestOf returns the digest of an image or index as a string.
func digestOf(object interface{ Digest() (v1.Hash, error) }) (string, error) {
	hash, err := object.Digest()
	if err != nil {
		return "", fmt.Errorf("computing a digest: %w", err)
	}
	return hash.String(), nil
}
