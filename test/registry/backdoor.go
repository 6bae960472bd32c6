package registry

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// backDoor is a transport that leads straight to the content: no network, no account, no fault, no journal.
type backDoor struct{ content *content }

var _ http.RoundTripper = backDoor{}

// RoundTrip has the content serve the request.
func (b backDoor) RoundTrip(r *http.Request) (*http.Response, error) {
	inner := r.Clone(r.Context())
	// A server sees no host in the URL, and the in-memory registry would take it for a part of the repository's name.
	inner.URL.Scheme, inner.URL.Host = "", ""
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	b.content.ServeHTTP(w, inner)
	answer := w.Result()
	answer.Request = r
	return answer, inner.Body.Close()
}

// parseReference reads a reference without a host, such as "shop/web:1.27".
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

// errNoBlob says that a blob to delete is not there.
var errNoBlob = errors.New("no such blob")

// statusError is the status with which the content refused what a test asked of it.
type statusError int

// Error returns the status in words.
func (e statusError) Error() string { return fmt.Sprintf("%d %s", int(e), http.StatusText(int(e))) }

// digestOf returns the digest of an image or an index as a string.
func digestOf(object interface{ Digest() (v1.Hash, error) }) (string, error) {
	hash, err := object.Digest()
	if err != nil {
		return "", fmt.Errorf("computing a digest: %w", err)
	}
	return hash.String(), nil
}
