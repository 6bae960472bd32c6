package canary

import (
	"fmt"
	"maps"
	"net/http"
)

// challenged returns a vector in which the registry sends these challenges.
func challenged(values ...string) vector { return vector{registry: site{challenge: values}} }

// headed returns a vector in which every response of the registry has a header, and the content is elsewhere.
func headed(name, value string) vector {
	return vector{registry: site{
		header:   http.Header{name: {value}},
		redirect: map[string]string{"HEAD": "https://evil.example{path}"},
	}, visits: []string{"evil.example:443"}}
}

// cookie returns a vector in which the registry sets a cookie, and the content is on a host below it. No request has a cookie.
func cookie(attributes string) vector {
	return vector{
		registry: site{
			header:   http.Header{"Set-Cookie": {"session={cookie.token}; " + attributes}},
			redirect: map[string]string{"HEAD": "https://cdn.registry.example{path}"},
		},
		belongs: map[string][]string{"alice": {"registry.example:443", "cdn.registry.example:443"}, "cookie": {}},
		visits:  []string{"cdn.registry.example:443"},
	}
}

// responseVectors returns hostile responses of a registry.
func responseVectors() map[string]vector {
	const (
		evil = `Bearer realm="https://evil.example/token",service="registry"`
		own  = `Bearer realm="https://registry.example/token",service="registry"`
	)
	all := map[string]vector{
		"challenge: basic, then a realm elsewhere":      challenged(basic, evil),
		"challenge: a realm elsewhere, then basic":      challenged(evil, basic),
		"challenge: its own realm, then one elsewhere":  challenged(own, evil),
		"challenge: a realm elsewhere, then its own":    challenged(evil, own),
		"challenge: two in one header":                  challenged(own + ", " + evil),
		"challenge: two realms":                         challenged(`Bearer realm="https://registry.example/token",realm="https://evil.example/token"`),
		"challenge: a realm in another case":            challenged(`BEARER REALM="https://registry.example/token",Realm="https://evil.example/token"`),
		"challenge: other schemes first":                challenged(`Negotiate`, `NTLM`, `Digest realm="https://evil.example/token",nonce="x"`, basic),
		"challenge: basic with a realm like a URL":      challenged(`Basic realm="https://evil.example/token"`),
		"challenge: a realm without quotes":             challenged(`Bearer realm=https://evil.example/token`),
		"challenge: a realm that does not end":          challenged(`Bearer service="registry",realm="https://evil.example/token`),
		"challenge: an error after the password":        challenged(own+`,error="insufficient_scope"`, evil),
		"challenge: a scope of another repository":      challenged(own + `,scope="repository:evil/web:pull,push https://evil.example/"`),
		"challenge: a scope that ends the request line": challenged("Bearer realm=\"https://registry.example/token?x= HTTP/1.1 Host: evil.example\""),

		"cookie: of the registry":                  cookie("Path=/"),
		"cookie: of the registry's domain":         cookie("Domain=registry.example; Path=/"),
		"cookie: of the parent domain":             cookie("Domain=example; Path=/"),
		"cookie: of another domain":                cookie("Domain=evil.example; Path=/"),
		"header: another service (Alt-Svc)":        headed("Alt-Svc", `h2="evil.example:443"; ma=86400, h3=":8443"`),
		"header: the next page (Link)":             headed("Link", `<https://evil.example/v2/shop/web/tags/list?last=a>; rel="next"`),
		"header: Refresh":                          headed("Refresh", "0; url=https://evil.example/"),
		"header: Content-Location":                 headed("Content-Location", "https://evil.example/v2/shop/web/manifests/1"),
		"header: Clear-Site-Data and CORS":         headed("Access-Control-Allow-Origin", "https://evil.example"),
		"header: Location without a redirect":      {registry: site{header: http.Header{"Location": {"https://evil.example/"}}}},
		"header: Link to a referrer":               {registry: site{header: http.Header{"Link": {`<https://evil.example/v2/>; rel="next"`}, "Oci-Subject": {"sha256:0"}}}},
		"header: a content type with the password": {registry: site{header: http.Header{"Content-Type": {"text/{alice.password}"}}, status: http.StatusForbidden}},
		"header: Retry-After with the password":    {registry: site{header: http.Header{"Retry-After": {"{alice.password}"}}, status: http.StatusTooManyRequests}},
		"header: a rate limit with the password":   {registry: site{header: http.Header{"Ratelimit-Remaining": {"0;{alice.password}"}}}},
		"header: a digest with the password":       {registry: site{header: http.Header{"Docker-Content-Digest": {"sha256:{alice.password}"}}, status: http.StatusNotFound}},

		"body: a web page with the password": {registry: site{
			header: http.Header{"Content-Type": {"text/html"}}, status: http.StatusOK, body: "<title>{alice.user} {alice.password}</title>",
		}},
		"body: a manifest with the password": {registry: site{
			header: http.Header{"Content-Type": {indexType}}, status: http.StatusOK,
			body: `{"schemaVersion":2,"mediaType":"{alice.password}","manifests":[{"mediaType":"{alice.user}","digest":"sha256:{alice.token}","platform":{"os":"{alice.user}"}}]}`,
		}, config: platforms},
		"body: broken JSON with the password": {registry: site{
			header: http.Header{"Content-Type": {indexType}}, status: http.StatusOK, body: `{"{alice.password}": {alice.user}`,
		}, config: platforms},
		"body: a token of the wrong type": below(site{status: http.StatusOK, body: `{"token":["{alice.password}"],"expires_in":"{alice.user}"}`}),
	}
	for _, status := range []int{400, 401, 403, 404, 429, 500, 503} {
		maps.Copy(all, map[string]vector{
			fmt.Sprintf("body: the registry repeats the GET with status %d", status): {
				registry: site{status: status, method: http.MethodGet}, config: platforms,
			},
			fmt.Sprintf("body: the registry repeats the request with status %d", status):    {registry: site{status: status}},
			fmt.Sprintf("body: the token service repeats the login with status %d", status): below(site{status: status}),
		})
	}
	return all
}
