package registry_test

import (
	"net/http"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/auth"
)

func TestInvalidRealms(t *testing.T) {
	t.Parallel()
	for name, realm := range map[string]string{
		"relative":      "/token",
		"without host":  "https:///token",
		"malformed":     "https://%zz/token",
		"with userinfo": "https://robot:secret@" + host + "/token",
		"opaque":        "mailto:token@example.com",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := publicBearer()
			cfg.Token.Realm = realm
			w := newFixture(t, cfg)
			for _, cred := range []imagepull.Credential{alice(), anonymous()} {
				wantVerdict(t, w.resolve(web, cred), "RegistryUnavailable: the registry names no valid token service; transient")
			}
			wantWire(t, w.Server, "HEAD shop/web:1 401", "HEAD shop/web:1 401")
		})
	}
}

// foreign is the verdict if the token service may belong to someone else.
const foreign = "EgressForbidden: the registry's token service may have another owner, so that it gets no credential"

func TestTokenServicesThatReceiveCredentials(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		registry, realm string
		services        []auth.TokenService
		want            string
	}{
		"the same host":                          {realm: host, want: "Pullable"},
		"the same host on another port":          {realm: host + ":8443", want: foreign},
		"the same host on the default port":      {realm: host + ":443", want: "Pullable"},
		"the same host on the registry's port":   {registry: host + ":5050", realm: host + ":5050", want: "Pullable"},
		"the default port, of another":           {registry: host + ":5050", realm: host, want: "Pullable"},
		"the same host in capitals":              {realm: "REGISTRY.EXAMPLE.COM", want: "Pullable"},
		"a sibling":                              {realm: "auth.example.com", want: "Pullable"},
		"the parent":                             {realm: "example.com", want: "Pullable"},
		"Docker Hub's sibling":                   {registry: "docker.io", realm: "auth.docker.io", want: "Pullable"},
		"another domain":                         {realm: "auth.example.net", want: foreign},
		"another domain with our name as suffix": {realm: "evilexample.com", want: foreign},
		"another domain with our prefix":         {realm: "example.com.evil.net", want: foreign},
		"a neighbour below a public suffix": {
			registry: "ours.github.io", realm: "theirs.github.io", want: foreign,
		},
		"a named service":                  {realm: "auth.example.net", services: named("registry.example.com", "auth.example.net"), want: "Pullable"},
		"a named service, on another port": {realm: "auth.example.net", services: named(host, "auth.example.net:8443"), want: foreign},
		"a service of another registry":    {realm: "auth.example.net", services: named("hub.example.com", "auth.example.net"), want: foreign},
		"a service of all registries":      {realm: "auth.example.net", services: named("*", "auth.example.net"), want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.registry == "" {
				test.registry = host
			}
			cfg := bearer()
			cfg.Token.Realm = "https://" + test.realm + "/token"
			w := newFixture(t, cfg, func(o *registry.Options) { o.TokenServices = test.services })
			for _, name := range []string{test.registry, test.realm, "registry-1.docker.io"} {
				if err := w.network.Add(name, w.Server); err != nil {
					t.Fatalf("Add: %v", err)
				}
			}
			wantVerdict(t, w.resolve(test.registry+"/shop/web:1", alice()), test.want)
			if test.want == foreign {
				wantWire(t, w.Server, "HEAD shop/web:1 401")
			}
		})
	}
}

func named(registry, service string) []auth.TokenService {
	return []auth.TokenService{{Registry: registry, Host: service}}
}

// An allowed address gets no credential.
func TestAllowedHostsReceiveNoCredentials(t *testing.T) {
	t.Parallel()
	cfg := bearer()
	cfg.Token.Realm = "https://auth.example.net/token"
	w := newFixture(t, cfg, func(o *registry.Options) { o.Egress.Allow = []string{"*"} })
	wantVerdict(t, w.resolve(web, alice()), foreign)
}

func TestInvalidTokenService(t *testing.T) {
	t.Parallel()
	_, err := registry.New(registry.Options{TokenServices: named("https://a.example", "auth.example.net")})
	want := `egress.tokenServices[0].registry: "https://a.example" must be a host without a scheme: remove everything up to ://`
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}

func TestAnonymousTokenFromAForeignTokenService(t *testing.T) {
	t.Parallel()
	cfg := publicBearer()
	cfg.Token.Realm = "https://auth.example.net/token"
	w := newFixture(t, cfg)
	if err := w.network.Add("auth.example.net", w.Server); err != nil {
		t.Fatalf("Add: %v", err)
	}
	wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 401", "GET /token 200", "HEAD shop/web:1 token= 200")
}

func TestTokenServiceOnAForbiddenHost(t *testing.T) {
	t.Parallel()
	cfg := publicBearer()
	cfg.Token.Realm = "https://auth.example.net/token"
	w := newFixture(t, cfg, func(o *registry.Options) { o.Egress.Deny = []string{"auth.example.net"} })
	wantVerdict(t, w.resolve(web, anonymous()),
		"EgressForbidden: the registry refers to a host on the list of forbidden hosts")
}

func TestTokenServiceRedirects(t *testing.T) {
	t.Parallel()
	const elsewhere = "EgressForbidden: the token service redirects to another host"
	tests := map[string]struct {
		fault testregistry.Fault
		cred  imagepull.Credential
		want  string
	}{
		"a POST to another host":    {testregistry.Fault{Redirect: "https://" + mirror}, alice(), elsewhere},
		"a GET to another host":     {testregistry.Fault{Redirect: "https://" + mirror}, anonymous(), elsewhere},
		"to a sibling":              {testregistry.Fault{Redirect: "https://auth.example.com"}, alice(), elsewhere},
		"to another port":           {testregistry.Fault{Redirect: "https://" + host + ":8443"}, alice(), elsewhere},
		"to plain HTTP":             {testregistry.Fault{Redirect: "http://" + host}, alice(), elsewhere},
		"to itself, once":           {testregistry.Fault{Times: 1, RedirectLoop: true}, alice(), "Pullable"},
		"to itself, nine times":     {testregistry.Fault{Times: 9, RedirectLoop: true}, alice(), "Pullable"},
		"to itself, ten times":      {testregistry.Fault{Times: 10, RedirectLoop: true}, alice(), "RegistryUnavailable: the registry redirects too often"},
		"to itself, without end":    {testregistry.Fault{RedirectLoop: true}, alice(), "RegistryUnavailable: the registry redirects too often"},
		"a POST that becomes a GET": {testregistry.Fault{Times: 1, RedirectLoop: true, Status: 302}, alice(), "Pullable"},
		"without a Location":        {testregistry.Fault{Status: 307}, anonymous(), noToken},
		"a GET to itself, once":     {testregistry.Fault{Times: 1, RedirectLoop: true}, anonymous(), "Pullable"},
		"a GET to itself by 302":    {testregistry.Fault{Times: 1, RedirectLoop: true, Status: 302}, anonymous(), "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, publicBearer())
			other := w.add(mirror, testregistry.Config{})
			test.fault.Path = "/token"
			w.Fault(test.fault)
			wantVerdict(t, w.resolve(web, test.cred), test.want)
			wantWire(t, other)
		})
	}
}

func TestChallenges(t *testing.T) {
	t.Parallel()
	const (
		realm     = `realm="https://` + host + `/token",service="registry.test"`
		byBasic   = "HEAD shop/web:1 alice 200"
		byToken   = "HEAD shop/web:1 token=alice 200"
		negotiate = "Negotiate"
	)
	tests := map[string]struct {
		config  testregistry.Config
		headers []string
		want    string
		last    string
	}{
		"negotiate, then basic":  {basic(), []string{negotiate, `Basic realm="x"`}, "Pullable", byBasic},
		"negotiate, then bearer": {bearer(), []string{negotiate, `Bearer ` + realm}, "Pullable", byToken},
		"basic, then bearer":     {bearer(), []string{`Basic realm="x"`, `Bearer ` + realm}, "Pullable", byToken},
		"bearer, then basic":     {bearer(), []string{`Bearer ` + realm, `Basic realm="x"`}, "Pullable", byToken},
		"lower case":             {bearer(), []string{`bearer ` + realm}, "Pullable", byToken},
		"an empty parameter":     {bearer(), []string{`Bearer scope="",` + realm}, "Pullable", byToken},
		"basic without a realm":  {basic(), []string{`Basic`}, "Pullable", byBasic},
		"negotiate only":         {basic(), []string{negotiate}, refused, "HEAD shop/web:1 401"},
		"digest only":            {basic(), []string{`Digest realm="x"`}, refused, "HEAD shop/web:1 401"},
		"none":                   {basic(), nil, refused, "HEAD shop/web:1 401"},
		"bearer without a realm": {
			bearer(), []string{`Bearer service="registry.test"`, `Basic realm="x"`},
			"RegistryUnavailable: the registry names no valid token service; transient", "HEAD shop/web:1 401",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, test.config)
			w.Fault(testregistry.Fault{
				Path: "/v2/*", Times: 1, Status: http.StatusUnauthorized,
				Header: http.Header{"Www-Authenticate": test.headers},
			})
			wantVerdict(t, w.resolve(web, alice()), test.want)
			if requests := wire(w.Server); requests[len(requests)-1] != test.last {
				t.Errorf("got last request %q, want %q", requests[len(requests)-1], test.last)
			}
		})
	}
}
