package registry_test

import (
	"fmt"
	"net/http"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// A portal, a bot wall or a firewall may let the nodes through.
func TestWebPages(t *testing.T) {
	t.Parallel()
	const page = "NotARegistry: a web page answered, without a sign of the registry API"
	api := http.Header{"Docker-Distribution-Api-Version": {"registry/2.0"}}
	challenge := http.Header{"Www-Authenticate": {`Basic realm="x"`}}
	tests := map[string]struct {
		status int
		header http.Header
		body   string
		want   string
	}{
		"200":                          {status: 200, body: "<html>sign in</html>", want: page},
		"401":                          {status: 401, want: page},
		"403":                          {status: 403, want: page},
		"404":                          {status: 404, want: "NotFound: tag not found"},
		"503":                          {status: 503, want: "RegistryUnavailable: the registry returned 503; transient"},
		"200 of a registry":            {status: 200, header: api, body: "<html>", want: notAManifest},
		"403 of a registry":            {status: 403, header: api, want: private},
		"401 with a challenge":         {status: 401, header: challenge, want: private},
		"403 in another type":          {status: 403, header: http.Header{"Content-Type": {"text/plain"}}, want: private},
		"in capitals, with parameters": {status: 403, header: http.Header{"Content-Type": {"Text/HTML ; charset=utf-8"}}, want: page},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			header := http.Header{"Content-Type": {"text/html"}}
			for key, values := range test.header {
				header[key] = values
			}
			w.Fault(testregistry.Fault{Status: test.status, Body: test.body, Header: header})
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
		})
	}
}

// The error codes of a registry are a sign of the API, whatever the content type. Only GET returns them.
func TestWebPagesWithErrorCodes(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	if _, err := w.PushIndex("shop/index:1"); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.Fault(testregistry.Fault{
		Method: http.MethodGet, Status: 403, Header: http.Header{"Content-Type": {"text/html"}}, Body: `{"errors":[{"code":"DENIED"}]}`,
	})
	wantVerdict(t, w.resolve(index, anonymous()), private)
}

// A page behind a redirect is usually a sign-in page.
func TestRedirectToAWebPage(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	w.Fault(testregistry.Fault{Status: http.StatusFound, Redirect: "https://" + mirror + "/login"})
	w.add(mirror, testregistry.Config{}).Fault(testregistry.Fault{Body: "<html>", Header: http.Header{"Content-Type": {"text/html"}}})
	if v := w.resolve(web, anonymous()); v.Reason != imagepull.ReasonNotARegistry {
		t.Errorf("got %s, want NotARegistry", summary(v))
	}
}

// Harbor's policies refuse GET only, so that HEAD does not show them.
func TestPoliciesOfTheRegistry(t *testing.T) {
	t.Parallel()
	const (
		policy  = "UnsupportedImage: a policy of the registry forbids to pull the image"
		failing = "RegistryUnavailable: the registry returned 412"
	)
	w := newFixture(t, bearer())
	if _, err := w.PushIndex("shop/index:1"); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	remove := w.Fault(testregistry.Fault{Method: http.MethodGet, Path: "/v2/*", AfterAuth: true, Status: http.StatusPreconditionFailed})
	wantVerdict(t, w.resolve(index, alice()), policy)
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	remove()
	w.Fault(testregistry.Fault{Method: http.MethodHead, Path: "/v2/*", AfterAuth: true, Status: http.StatusPreconditionFailed})
	wantVerdict(t, w.resolve(web, alice()), failing)
}

// Docker Hub answers HEAD when no pull remains, and refuses the GET of a node.
func TestExhaustedPulls(t *testing.T) {
	t.Parallel()
	const exhausted = "RateLimited: no pull remains of the registry's rate limit"
	for value, want := range map[string]string{
		"0;w=21600": exhausted, "0": exhausted, "0 ;w=1": exhausted,
		"1;w=21600": "Pullable", "100": "Pullable", "": "Pullable", "none": "Pullable", "00;w=1": "Pullable",
	} {
		t.Run(fmt.Sprintf("%q", value), func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			w.Fault(testregistry.Fault{Method: http.MethodHead, Header: http.Header{"Ratelimit-Remaining": {value}}})
			wantVerdict(t, w.resolve(web, anonymous()), want)
			wantWire(t, w.Server, "HEAD shop/web:1 200")
		})
	}
	t.Run("GET has taken the last one", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, testregistry.Config{})
		w.Fault(testregistry.Fault{Method: http.MethodHead, Status: http.StatusMethodNotAllowed})
		w.Fault(testregistry.Fault{Header: http.Header{"Ratelimit-Remaining": {"0;w=21600"}}})
		wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
	})
}
