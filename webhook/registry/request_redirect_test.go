package registry_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

func TestRedirects(t *testing.T) {
	t.Parallel()
	const tooMany = "RegistryUnavailable: the registry redirects too often"
	tests := map[string]struct {
		faults []testregistry.Fault
		egress egress.Rules
		want   string
	}{
		"to another host": {
			faults: []testregistry.Fault{{Redirect: "https://" + mirror}},
			want:   "Pullable",
		},
		"to another path": {
			faults: []testregistry.Fault{{Times: 1, Redirect: "/v2/shop/web/manifests/1"}},
			want:   "Pullable",
		},
		"nine times":         {faults: []testregistry.Fault{{Times: 9, RedirectLoop: true}}, want: "Pullable"},
		"ten times":          {faults: []testregistry.Fault{{Times: 10, RedirectLoop: true}}, want: tooMany},
		"without end":        {faults: []testregistry.Fault{{RedirectLoop: true}}, want: tooMany},
		"to an unknown host": {faults: []testregistry.Fault{{Redirect: "https://gone.example.net"}}, want: "RegistryUnavailable: no such host; transient"},
		"to a malformed URL": {faults: []testregistry.Fault{{Redirect: "https://%zz/"}}, want: "RegistryUnavailable: the connection broke; transient"},
		"to plain HTTP": {
			faults: []testregistry.Fault{{Redirect: "http://" + mirror}},
			want:   "EgressForbidden: the registry refers to plain HTTP",
		},
		"to another protocol": {
			faults: []testregistry.Fault{{Redirect: "ftp://" + mirror + "/x"}},
			want:   "EgressForbidden: the registry refers to plain HTTP",
		},
		"to a forbidden host": {
			faults: []testregistry.Fault{{Redirect: "https://" + mirror}},
			egress: egress.Rules{Deny: []string{"*.example.net"}},
			want:   "EgressForbidden: the registry refers to a host on the list of forbidden hosts",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.Egress = test.egress })
			pushWeb(t, w.add(mirror, testregistry.Config{}))
			for _, f := range test.faults {
				w.Fault(f)
			}
			wantVerdict(t, w.resolve(web, anonymous()), test.want)
		})
	}
}

// The author of an image may choose the host to which a registry redirects. A failure of that host proves nothing about the registry.
func TestFailuresBehindARedirectAreMarked(t *testing.T) {
	t.Parallel()
	// hangs returns a fault that ends the lookup's budget.
	hangs := func(end func()) testregistry.Fault {
		return testregistry.Fault{Hang: true, Match: func(*http.Request) bool { end(); return true }}
	}
	toMirror := testregistry.Fault{Redirect: "https://" + mirror}
	tests := map[string]struct {
		// registry and target are the faults of both hosts; without a target there is no such host.
		registry, target func(end func()) testregistry.Fault
		want             bool
	}{
		"the registry fails": {registry: func(func()) testregistry.Fault { return testregistry.Fault{Status: 503} }},
		"the registry hangs": {registry: hangs},
		"the target does not exist": {
			registry: func(func()) testregistry.Fault { return testregistry.Fault{Redirect: "https://gone.example.net"} }, want: true,
		},
		"the target fails": {
			registry: func(func()) testregistry.Fault { return toMirror },
			target:   func(func()) testregistry.Fault { return testregistry.Fault{Status: 503} }, want: true,
		},
		"the target limits the rate": {
			registry: func(func()) testregistry.Fault { return toMirror },
			target:   func(func()) testregistry.Fault { return testregistry.Fault{Status: 429} }, want: true,
		},
		"the target hangs": {registry: func(func()) testregistry.Fault { return toMirror }, target: hangs, want: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			w.Fault(test.registry(cancel))
			if test.target != nil {
				w.add(mirror, testregistry.Config{}).Fault(test.target(cancel))
			}
			v := w.client.Resolve(ctx, reference(web), anonymous())
			if v.Outcome() != imagepull.Indeterminate || v.Redirected != test.want {
				t.Errorf("got %s, redirected = %t, want an Indeterminate one and %t", summary(v), v.Redirected, test.want)
			}
		})
	}
}

func TestStatusesOfAnotherHost(t *testing.T) {
	t.Parallel()
	const refused = "EgressForbidden: the registry redirects to another host, which requires credentials"
	for status, want := range map[int]string{
		http.StatusUnauthorized:       refused,
		http.StatusForbidden:          refused,
		http.StatusNotFound:           withheld404,
		http.StatusBadRequest:         "RegistryUnavailable: the registry redirects to another host, which returned 400 without the credential",
		http.StatusPreconditionFailed: "RegistryUnavailable: the registry redirects to another host, which returned 412 without the credential",
		http.StatusTooManyRequests:    "RateLimited: the registry limits the rate of requests",
		http.StatusServiceUnavailable: "RegistryUnavailable: the registry returned 503; transient",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, bearer())
			w.Fault(testregistry.Fault{AfterAuth: true, Redirect: "https://" + mirror})
			other := w.add(mirror, testregistry.Config{})
			other.Fault(testregistry.Fault{
				Status: status,
				Header: http.Header{"Www-Authenticate": {`Bearer realm="https://` + mirror + `/token",service="x"`}},
			})
			for range 2 { // without and with a cached token
				wantVerdict(t, w.resolve(web, alice()), want)
			}
			if slices.ContainsFunc(other.Requests(), isAuthorized) {
				t.Errorf("another host received a credential:\n%s", other.RequestSummary())
			}
		})
	}
}

// A challenge of another host is not answered, even if it names the registry's own token service.
func TestAnotherHostCannotChallengeForTheRegistry(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	w.Fault(testregistry.Fault{Redirect: "https://" + mirror})
	other := w.add(mirror, testregistry.Config{})
	other.Fault(testregistry.Fault{
		Status: http.StatusUnauthorized,
		Header: http.Header{"Www-Authenticate": {`Bearer realm="https://` + host + `/token"`}},
	})
	wantVerdict(t, w.resolve(web, alice()), "EgressForbidden: the registry redirects to another host, which requires credentials")
	wantWire(t, w.Server, "HEAD shop/web:1 307")
}

func isAuthorized(r testregistry.Request) bool { return r.Token || r.User != "" }

func TestAnotherHostReceivesNoCredential(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]testregistry.Config{"basic": basic(), "bearer": bearer()} {
		for _, target := range []string{mirror, "example.com", "other" + host} {
			t.Run(name+" to "+target, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, cfg)
				other := w.add(target, testregistry.Config{})
				pushWeb(t, other)
				w.Fault(testregistry.Fault{AfterAuth: true, Redirect: "https://" + target})
				wantVerdict(t, w.resolve(web, alice()), "Pullable")
				wantWire(t, other, "HEAD shop/web:1 200")
			})
		}
	}
}

// Go copies the credential to the same name, whatever the port, and to names below it. Such a host sends Pullgate and a node the
// same response.
func TestRedirectsThatKeepTheCredential(t *testing.T) {
	t.Parallel()
	const rejects = "AccessDenied: the registry redirects to a host of its own domain, which rejects the registry's credential"
	withoutCredential := func(r *http.Request) bool { return r.Header.Get("Authorization") == "" }
	withCredential := func(r *http.Request) bool { return !withoutCredential(r) }
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
		wire  string
	}{
		"the target needs it":          {testregistry.Fault{Match: withoutCredential, Status: 404}, "Pullable", "HEAD shop/web:1 alice 200"},
		"the target lacks the image":   {testregistry.Fault{Status: 404}, "NotFound: tag not found", ""},
		"the target refuses it":        {testregistry.Fault{Status: 403}, refused, "HEAD shop/web:1 alice 403"},
		"the target wants another one": {testregistry.Fault{Status: 401}, "EgressForbidden: the registry redirects to another host, which requires credentials", "HEAD shop/web:1 alice 401"},
		"storage that rejects any":     {testregistry.Fault{Match: withCredential, Status: 400}, rejects, "HEAD shop/web:1 alice 400"},
		"storage that fails":           {testregistry.Fault{Status: 503}, "RegistryUnavailable: the registry returned 503; transient", "HEAD shop/web:1 alice 503"},
	}
	for name, test := range tests {
		for _, target := range []string{"sub." + host, host + ":8443"} {
			t.Run(name+" at "+target, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, basic())
				other := w.add(target, testregistry.Config{})
				pushWeb(t, other)
				w.Fault(testregistry.Fault{AfterAuth: true, Redirect: "https://" + target})
				other.Fault(test.fault)
				for range 2 { // without and with a cached challenge
					other.ResetRequests()
					wantVerdict(t, w.resolve(web, alice()), test.want)
				}
				if test.wire != "" {
					wantWire(t, other, test.wire)
				}
			})
		}
	}
}

// Without a credential, nothing is withheld from the other host.
func TestAnonymousRedirects(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		http.StatusNotFound:   "NotFound: tag not found",
		http.StatusBadRequest: "RegistryUnavailable: the registry returned 400",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{})
			w.Fault(testregistry.Fault{Redirect: "https://" + mirror})
			w.add(mirror, testregistry.Config{}).Fault(testregistry.Fault{Status: status})
			wantVerdict(t, w.resolve(web, alice()), want)
		})
	}
}

// The header of hosts.toml may be a secret, so that it is for the host's own name only.
func TestConfiguredHeadersOnRedirects(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{"sub." + replica: "", replica + ":8443": "x", "elsewhere.example.org": ""} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts+"[host.\"https://"+replica+"\".header]\nx-key = \"x\"\n", testregistry.Config{})
			other := m.add(target, testregistry.Config{})
			got := make(chan string, 1)
			other.Fault(testregistry.Fault{Status: 404, Match: func(r *http.Request) bool {
				select {
				case got <- r.Header.Get("X-Key"):
				default:
				}
				return true
			}})
			m.mirror.Fault(testregistry.Fault{Redirect: "https://" + target})
			m.Fault(testregistry.Fault{Status: 404})
			verdict := "NotFound: tag not found"
			if want == "" {
				verdict = strings.Replace(withheld404, ": the", ": mirror "+replica+": the", 1)
			}
			wantVerdict(t, m.resolve(web, anonymous()), verdict)
			if key := <-got; key != want {
				t.Errorf("%s received the header %q, want %q", target, key, want)
			}
		})
	}
}

// containerd authorizes each hop, so that a redirect back to the registry carries the credential again.
func TestRedirectBackIsAuthorizedAgain(t *testing.T) {
	t.Parallel()
	w := newFixture(t, basic())
	w.Fault(testregistry.Fault{AfterAuth: true, Times: 1, Redirect: "https://" + mirror})
	other := w.add(mirror, testregistry.Config{})
	other.Fault(testregistry.Fault{Redirect: "https://" + host})
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
	wantWire(t, w.Server, "HEAD shop/web:1 401", "HEAD shop/web:1 alice 307", "HEAD shop/web:1 alice 200")
	wantWire(t, other, "HEAD shop/web:1 307")
}

// These tests use the real dialler. egress.allow lists the address of the registry, but not those to which it redirects.
func TestRedirectsToForbiddenAddresses(t *testing.T) {
	t.Parallel()
	const local = "EgressForbidden: the registry resolves to a loopback, link-local or multicast address"
	tests := map[string]struct{ host, want string }{
		"loopback":                 {"127.0.0.1:PORT", local},
		"loopback by name":         {"localhost:PORT", local},
		"another loopback address": {"127.9.9.9:PORT", local},
		"unspecified":              {"0.0.0.0:PORT", local},
		"mapped loopback":          {"[::ffff:127.0.0.1]:PORT", local},
		"link-local metadata":      {"169.254.169.254", local},
		"a cloud's metadata":       {"100.100.100.200", "EgressForbidden: the registry resolves to a cloud's metadata service"},
	}
	for name, test := range tests {
		for _, scheme := range []string{"https", "http"} {
			t.Run(name+" by "+scheme, func(t *testing.T) {
				t.Parallel()
				w := newFixture(t, testregistry.Config{})
				other := w.add("other.example.com", testregistry.Config{})
				_, port, _ := strings.Cut(other.Addr(), ":")
				target := strings.Replace(test.host, "PORT", port, 1)
				w.Fault(testregistry.Fault{Redirect: scheme + "://" + target})

				client := newClient(t, registry.Options{Egress: egress.Rules{
					Allow: []string{w.Addr()}, Insecure: []string{"169.254.169.254", "100.100.100.200", "0.0.0.0", "[::ffff:127.0.0.1]"},
				}})
				wantVerdict(t, client.Resolve(t.Context(), reference(w.Addr()+"/shop/web:1"), anonymous()), test.want)
				wantWire(t, other)
			})
		}
	}
}

func TestPlatformBehindARedirect(t *testing.T) {
	t.Parallel()
	w := newFixture(t, testregistry.Config{})
	other := w.add(mirror, testregistry.Config{})
	if _, err := other.PushIndex("shop/web:1", imagepull.Platform{OS: "linux", Architecture: "arm64"}); err != nil {
		t.Fatalf("PushIndex: %v", err)
	}
	w.Fault(testregistry.Fault{Redirect: "https://" + mirror})
	if v := w.resolve(web, anonymous()); !v.IsIndex || len(v.Platforms) != 1 {
		t.Errorf("got %+v, want an index with one platform", v)
	}
}
