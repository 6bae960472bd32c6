package containerd_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/remotes/docker"
	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
)

// exchange is a registry and its token services, with a response for each request. It records the requests.
type exchange struct {
	// refusals are the WWW-Authenticate headers of the first responses. Further requests are accepted.
	refusals [][]string
	// tokens are the statuses of the first token responses. Further responses are 200.
	tokens []int
	// incomplete omits the digest from the response to HEAD, so that the client sends GET in the same lookup.
	incomplete bool

	issued   int
	requests []string
}

// RoundTrip implements http.RoundTripper.
func (e *exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	if !strings.HasPrefix(req.URL.Path, "/v2/") {
		return e.token(req), nil
	}
	authorization := req.Header.Get("Authorization")
	if scheme, _, _ := strings.Cut(authorization, " "); scheme == "Basic" {
		authorization = scheme
	}
	e.requests = append(e.requests, strings.TrimSpace(req.Method+" "+authorization))
	if len(e.refusals) > 0 {
		challenges := e.refusals[0]
		e.refusals = e.refusals[1:]
		return response(req, http.StatusUnauthorized, http.Header{"Www-Authenticate": challenges}, ""), nil
	}
	header := http.Header{"Content-Type": {"application/vnd.oci.image.manifest.v1+json"}}
	if !e.incomplete {
		header.Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
	}
	return response(req, http.StatusOK, header, "{}"), nil
}

func (e *exchange) token(req *http.Request) *http.Response {
	e.requests = append(e.requests, req.Method+" "+req.URL.Path)
	status := http.StatusOK
	if len(e.tokens) > 0 {
		status, e.tokens = e.tokens[0], e.tokens[1:]
	}
	e.issued++
	return response(req, status, http.Header{}, fmt.Sprintf(`{"access_token":"t%d","token":"t%d"}`, e.issued, e.issued))
}

func response(req *http.Request, status int, header http.Header, body string) *http.Response {
	resp := &http.Response{
		Status: http.StatusText(status), StatusCode: status, Header: header, ContentLength: int64(len(body)),
		Body: io.NopCloser(strings.NewReader(body)), Request: req, ProtoMajor: 1, ProtoMinor: 1,
	}
	if req.Method == http.MethodHead {
		resp.Body = io.NopCloser(bytes.NewReader(nil))
	}
	return resp
}

// newExchange returns the exchange of a seed, and the credential of its client.
func newExchange(seed uint64) (*exchange, imagepull.Credential) {
	random := rand.New(rand.NewPCG(seed, 2))
	challenges := []string{
		`Bearer realm="https://r.example/a",service="s"`, `Bearer realm="https://r.example/a",service="s"`,
		`Bearer realm="https://r.example/b",service="s",scope="aws repository:x:pull"`,
		`Bearer realm="https://r.example/a",service="s",error="invalid_token"`,
		`Bearer realm="https://r.example/b",error="insufficient_scope"`, `Bearer realm="https://r.example/a",error=""`,
		`Basic realm="r"`, `Basic realm="r"`, `Basic`, `Basic realm="r",error="e"`,
		`Digest realm="d"`, `Negotiate`, `Bearer service="s"`,
	}
	e := &exchange{incomplete: random.IntN(2) == 0}
	for range random.IntN(7) {
		var headers []string
		for range random.IntN(8)/6 + min(1, random.IntN(12)) {
			headers = append(headers, challenges[random.IntN(len(challenges))])
		}
		e.refusals = append(e.refusals, headers)
	}
	for range random.IntN(4) {
		e.tokens = append(e.tokens, []int{200, 200, 200, 401, 403, 404, 400, 405, 429, 500}[random.IntN(10)])
	}
	return e, []imagepull.Credential{
		{Username: "u", Password: "p"}, {Username: "u", Password: "p"}, {Username: "u"}, {},
	}[random.IntN(4)]
}

// TestAuthorization compares the requests for a manifest, and their success.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	outcomes := map[string]int{}
	for seed := range uint64(rounds) {
		want, cred := newExchange(seed)
		pulls := containerdResolves(t.Context(), want, cred)
		got, _ := newExchange(seed)
		v := pullgateResolves(t, got, cred)
		if diff := cmp.Diff(want.requests, got.requests); diff != "" || pulls != (v.Reason == imagepull.ReasonPullable) {
			e, _ := newExchange(seed)
			t.Errorf("{seed: %d, refusals: %q, tokens: %v, user: %q}: containerd pulls: %t, Pullgate: %s %s; requests (-containerd +Pullgate):\n%s",
				seed, e.refusals, e.tokens, cred.Username, pulls, v.Reason, v.Detail, diff)
		}
		outcomes[string(v.Reason)]++
	}
	t.Logf("%v", outcomes)
	for _, reason := range []imagepull.Reason{imagepull.ReasonPullable, imagepull.ReasonAccessDenied, imagepull.ReasonRegistryUnavailable} {
		if outcomes[string(reason)] < rounds/50 {
			t.Errorf("%d of %d rounds are %s: too few", outcomes[string(reason)], rounds, reason)
		}
	}
}

func containerdResolves(ctx context.Context, e *exchange, cred imagepull.Credential) bool {
	client := &http.Client{Transport: e}
	authorizer := docker.NewDockerAuthorizer(docker.WithAuthClient(client), docker.WithAuthCreds(func(string) (string, string, error) {
		return cred.Username, cred.Password, nil
	}))
	resolver := docker.NewResolver(docker.ResolverOptions{
		Hosts: docker.ConfigureDefaultRegistries(docker.WithClient(client), docker.WithAuthorizer(authorizer)),
	})
	_, _, err := resolver.Resolve(ctx, "r.example/shop/web:1")
	return err == nil
}

func pullgateResolves(t *testing.T, e *exchange, cred imagepull.Credential) imagepull.Verdict {
	t.Helper()
	client, err := registry.New(registry.Options{Instrument: func(http.RoundTripper) http.RoundTripper { return e }})
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	defer client.Close()
	return client.Resolve(t.Context(), imagepull.Reference{Domain: "r.example", Path: "shop/web", Tag: "1"}, cred)
}
