package registry_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

func TestProxy(t *testing.T) {
	t.Parallel()
	const tunnel = "CONNECT " + host + ":443"
	t.Run("a public image", func(t *testing.T) {
		t.Parallel()
		w, p := newProxied(t, testregistry.Config{})
		wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
		wantVerdict(t, w.resolve(host+"/shop/web:2", anonymous()), "NotFound: tag not found")
		p.wantRequests(t, tunnel)
	})
	t.Run("a token service behind it too", func(t *testing.T) {
		t.Parallel()
		w, p := newProxied(t, bearer())
		wantVerdict(t, w.resolve(web, alice()), "Pullable")
		wantVerdict(t, w.resolve(web, mallory()), "AccessDenied: the credential from secret/shop/stale is refused")
		p.wantRequests(t, tunnel)
	})
	t.Run("a mirror in hosts.toml", func(t *testing.T) {
		t.Parallel()
		root := writeTree(t, "", map[string]string{host + "/hosts.toml": replicaHosts})
		w, p := newProxied(t, testregistry.Config{}, func(o *registry.Options) { o.HostsDir = root })
		pushWeb(t, w.add(replica, testregistry.Config{}))
		wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
		p.wantRequests(t, "CONNECT "+replica+":443")
	})
	t.Run("a host without a proxy", func(t *testing.T) {
		t.Parallel()
		var p *proxy
		w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
			p = newProxy(t, o.DialContext)
			o.Proxy = func(*url.URL) (via *url.URL, err error) { return via, err }
		})
		wantVerdict(t, w.resolve(web, anonymous()), "Pullable")
		p.wantRequests(t)
	})
	t.Run("the cluster's local registry", func(t *testing.T) {
		t.Parallel()
		p := newProxy(t, nil)
		w := newFixture(t, testregistry.Config{}, withLocalRegistry, func(o *registry.Options) { o.Proxy = p.choose })
		pushTo(t, w.add(localAddress, testregistry.Config{PlainHTTP: true}), "shop/web:1")
		wantVerdict(t, w.resolve(localName+"/shop/web:1", anonymous()), "Pullable")
		p.wantRequests(t)
	})
}

func TestProxyFailures(t *testing.T) {
	t.Parallel()
	refuses := func(status string) string {
		return "RegistryUnavailable: the proxy refuses to connect to the registry, with status " + status
	}
	tests := map[string]struct {
		set  func(*proxy, *fixture)
		want string
	}{
		"requires a password":      {set: func(p *proxy, _ *fixture) { p.status = 407 }, want: refuses("407")},
		"forbids the host":         {set: func(p *proxy, _ *fixture) { p.status = 403 }, want: refuses("403")},
		"finds no host":            {set: func(p *proxy, _ *fixture) { p.status = 404 }, want: refuses("404")},
		"requires a login":         {set: func(p *proxy, _ *fixture) { p.status = 401 }, want: refuses("401")},
		"limits the rate":          {set: func(p *proxy, _ *fixture) { p.status = 429 }, want: refuses("429")},
		"does not support CONNECT": {set: func(p *proxy, _ *fixture) { p.status = 204 }, want: refuses("204")},
		"fails":                    {set: func(p *proxy, _ *fixture) { p.status = 503 }, want: refuses("503") + "; transient"},
		"does not reach the host":  {set: func(_ *proxy, w *fixture) { w.network.Set(host, testregistry.Refused) }, want: refuses("502") + "; transient"},
		"is not running":           {set: func(p *proxy, _ *fixture) { p.Close() }, want: "RegistryUnavailable: the proxy cannot be reached: connection refused; transient"},
		"sends an error in the tunnel": {
			set:  func(p *proxy, _ *fixture) { p.garbage = "HTTP/1.1 404 Not Found\r\n\r\n" },
			want: "RegistryUnavailable: the registry, or the proxy in front of it, does not speak TLS",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := newProxied(t, testregistry.Config{})
			test.set(p, w)
			v := w.resolve(web, alice())
			wantVerdict(t, v, test.want)
			if !strings.Contains(v.Fix, "proxy") || strings.Contains(summary(v)+v.Fix, proxyPassword) {
				t.Errorf("got fix %q, want it to be about the proxy, and no password", v.Fix)
			}
		})
	}
}

// A proxy resolves names itself, where Pullgate cannot check the address. It receives no host whose name alone is forbidden.
func TestProxyDoesNotBypassTheEgressPolicy(t *testing.T) {
	t.Parallel()
	const (
		linkLocal = "EgressForbidden: the registry resolves to a loopback, link-local or multicast address"
		unchecked = "EgressForbidden: the registry has an address that cannot be checked"
		listed    = "EgressForbidden: the registry is on the list of forbidden hosts"
	)
	tests := map[string]struct {
		host   string
		egress egress.Rules
		fault  testregistry.Fault
		want   string
	}{
		"link-local":               {host: "169.254.169.254", want: linkLocal},
		"link-local, mapped":       {host: "[::ffff:169.254.169.254]:443", want: linkLocal},
		"with a trailing dot":      {host: "169.254.169.254.", want: linkLocal},
		"a metadata service":       {host: "[fd00:ec2::254]", want: "EgressForbidden: the registry resolves to a cloud's metadata service"},
		"unspecified":              {host: "0.0.0.0:5000", want: linkLocal},
		"a short form of loopback": {host: "127.1", want: unchecked},
		"loopback as a number":     {host: "2130706433", want: ambiguousName},
		"in hexadecimal":           {host: "0x7f000001:5000", want: ambiguousName},
		"localhost with a dot":     {host: "localhost.", want: ambiguousName},
		"below localhost":          {host: "registry.localhost:5000", want: unchecked},
		"forbidden by name":        {host: "registry.example.net", egress: egress.Rules{Deny: []string{"*.net"}}, want: listed},
		"forbidden by network":     {host: "10.1.2.3", egress: egress.Rules{Deny: []string{"10.0.0.0/8"}}, want: listed},
		"private networks denied":  {host: "10.1.2.3", egress: egress.Rules{DenyPrivate: true}, want: "EgressForbidden: the registry is on a private network"},
		"a port out of range":      {host: "registry.example.net:99999", want: "EgressForbidden: the registry has a port that cannot be checked"},
		"a redirect to link-local": {host: host, fault: testregistry.Fault{Redirect: "https://169.254.169.254"}, want: linkLocal},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p := newProxied(t, testregistry.Config{}, func(o *registry.Options) { o.Egress = test.egress })
			if test.fault.Redirect != "" {
				w.Fault(test.fault)
			}
			wantVerdict(t, w.resolve(test.host+"/shop/web:1", anonymous()), test.want)
			if test.host != host {
				p.wantRequests(t)
			}
		})
	}
}

// A host in egress.allow is reachable through the proxy too.
func TestProxyToAllowedAddresses(t *testing.T) {
	t.Parallel()
	w, p := newProxied(t, testregistry.Config{}, func(o *registry.Options) {
		o.Egress = egress.Rules{Allow: []string{"10.1.2.3"}, DenyPrivate: true}
	})
	wantVerdict(t, w.resolve("10.1.2.3/shop/web:1", anonymous()),
		"RegistryUnavailable: the proxy refuses to connect to the registry, with status 502; transient")
	p.wantRequests(t, "CONNECT 10.1.2.3:443")
}

func TestProxyInPlainHTTP(t *testing.T) {
	t.Parallel()
	const own = "RegistryUnavailable: the response may be the proxy's own, and not the registry's"
	tests := map[string]struct {
		config testregistry.Config
		ref    string
		page   int // the status of the proxy's own page; zero for none
		want   string
	}{
		"an image":            {ref: web, want: "Pullable"},
		"a missing image":     {ref: host + "/shop/web:2", want: "NotFound: tag not found"},
		"private":             {config: basic(), ref: web, want: "Pullable"},
		"a page for a 404":    {ref: web, page: 404, want: own},
		"a page for a 403":    {ref: web, page: 403, want: own},
		"a page for a 200":    {ref: web, page: 200, want: own},
		"a login page":        {ref: web, page: 302, want: own},
		"a required password": {ref: web, page: 407, want: own},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.PlainHTTP = true
			w, p := newProxied(t, test.config, func(o *registry.Options) { o.Egress.Insecure = []string{host} })
			handler := p.Config.Handler
			p.Config.Handler = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if test.page != 0 && r.Method != http.MethodConnect {
					rw.Header().Set("Content-Type", "text/html")
					rw.WriteHeader(test.page)
					_, _ = io.Copy(rw, bytes.NewReader([]byte("<html>")))
					return
				}
				handler.ServeHTTP(rw, r)
			})
			wantVerdict(t, w.resolve(test.ref, alice()), test.want)
		})
	}
}

func TestHangingProxy(t *testing.T) {
	t.Parallel()
	w, _ := newProxied(t, testregistry.Config{}, func(o *registry.Options) { o.RequestTimeout = 50 * time.Millisecond })
	w.network.Set(host, testregistry.Hanging)
	wantVerdict(t, w.resolve(web, anonymous()), "RegistryUnavailable: no response in time; transient")
}

func TestProxyFunctionFails(t *testing.T) {
	t.Parallel()
	w, _ := newProxied(t, testregistry.Config{}, func(o *registry.Options) {
		o.Proxy = func(*url.URL) (*url.URL, error) { return nil, io.ErrUnexpectedEOF }
	})
	wantVerdict(t, w.resolve(web, anonymous()), "RegistryUnavailable: no proxy can be chosen for the registry")
}
