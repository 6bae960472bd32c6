package registry_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	tokenHost  = "auth.corp.example" // of the mirror's owner
	headerHost = replicaHosts + "[host.\"https://" + replica + "\".header]\nx-key = \"header secret\"\n"
)

// keys records the header X-Key of the requests to a server.
type keys struct {
	mu  sync.Mutex
	got []string
}

func (k *keys) add(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got = append(k.got, key)
}

func (k *keys) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.got, ",")
}

// A node sends the header of hosts.toml to the token service too. Pullgate does not, so that a refusal there is no denial.
func TestHeaderOfHostsIsForItsOwnHost(t *testing.T) {
	t.Parallel()
	const refusedBy = "RegistryUnavailable: mirror " + replica +
		": the token service on another host gets no header or client certificate of hosts.toml; the status is "
	tests := map[string]struct {
		service string
		fault   testregistry.Fault
		cred    imagepull.Credential
		header  string
		want    string
	}{
		"the mirror's own host":            {service: replica, cred: alice(), header: "header secret", want: "Pullable"},
		"another host":                     {service: tokenHost, cred: alice(), want: "Pullable"},
		"another host refuses the login":   {service: tokenHost, fault: testregistry.Fault{Path: "/token", Status: 401}, cred: alice(), want: refusedBy + "401"},
		"another host refuses the account": {service: tokenHost, fault: testregistry.Fault{Path: "/token", Status: 403}, cred: alice(), want: refusedBy + "403"},
		"another host refuses anonymously": {service: tokenHost, fault: testregistry.Fault{Path: "/token", Status: 401}, cred: anonymous(), want: refusedBy + "401"},
		"its token grants nothing": {
			service: tokenHost, fault: testregistry.Fault{Authorization: testregistry.Present, Status: 403}, cred: alice(), want: refusedBy + "403",
		},
		"its token hides the image": {
			service: tokenHost, fault: testregistry.Fault{Authorization: testregistry.Present, Status: 404}, cred: alice(), want: refusedBy + "404",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := publicBearer()
			cfg.Token.Realm = "https://" + test.service + "/token"
			m := newMirrored(t, headerHost, cfg)
			pushWeb(t, m.mirror)
			m.Fault(testregistry.Fault{Status: http.StatusNotFound}) // so that the mirror decides
			if test.service != replica {
				if err := m.network.Add(test.service, m.mirror); err != nil {
					t.Fatalf("naming: %v", err)
				}
			}
			own, other := &keys{}, &keys{}
			m.mirror.Fault(testregistry.Fault{Status: http.StatusTeapot, Match: func(r *http.Request) bool {
				k := own
				if r.Host == tokenHost {
					k = other
				}
				k.add(r.Header.Get("X-Key"))
				return false
			}})
			if test.fault.Status != 0 {
				m.mirror.Fault(test.fault)
			}
			wantVerdict(t, m.resolve(web, test.cred), test.want)
			if !strings.Contains(own.String(), "header secret") {
				t.Error("the mirror did not receive its header")
			}
			if strings.Contains(other.String(), "header secret") {
				t.Errorf("%s received the header of %s", tokenHost, replica)
			}
		})
	}
}

// A node connects to the token service with the host's own TLS settings. Pullgate always verifies it.
func TestSkippedVerificationIsForItsOwnHost(t *testing.T) {
	t.Parallel()
	const unverified = "RegistryUnavailable: mirror " + replica + ": "
	other, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	for name, realm := range map[string]string{"its own host": replica, "a token service": tokenHost} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := publicBearer()
			cfg.CA, cfg.Token.Realm = other, "https://"+realm+"/token"
			m := newMirrored(t, replicaHosts+"skip_verify = true\n", cfg)
			pushWeb(t, m.mirror)
			if realm != replica {
				if err := m.network.Add(realm, m.mirror); err != nil {
					t.Fatalf("naming: %v", err)
				}
			}
			m.Fault(testregistry.Fault{Status: http.StatusNotFound})
			got := summary(m.resolve(web, alice()))
			if want := "Pullable"; realm == replica && got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if realm != replica && !strings.HasPrefix(got, unverified) {
				t.Errorf("got %q, want %q…", got, unverified)
			}
			if summary := m.mirror.RequestSummary(); realm != replica && strings.Contains(summary, "/token") {
				t.Errorf("the token service received a request:\n%s", summary)
			}
		})
	}
}

// A node sends the client certificate of a host to its token service, and to the target of a redirect. Pullgate does not, so that
// their refusals do not deny.
func TestClientCertificateIsForItsOwnHost(t *testing.T) {
	t.Parallel()
	const unsure = "RegistryUnavailable: mirror " + replica + ": "
	tests := map[string]struct {
		redirect, realm string
		status          int // of the other host
		cred            imagepull.Credential
		withCertificate []string // the hosts that get the certificate
		want            string
	}{
		"no other host":              {withCertificate: []string{replica}, want: "Pullable"},
		"another port":               {redirect: replica + ":8443", withCertificate: []string{replica, replica + ":8443"}, want: "Pullable"},
		"a redirect elsewhere":       {redirect: host, withCertificate: []string{replica}, want: "Pullable"},
		"a redirect that finds none": {redirect: host, status: 404, withCertificate: []string{replica}, want: unsure + "the registry redirects to another host, which returned 404 without the credential"},
		"a redirect that is refused, within the domain": {
			redirect: "sub." + replica, status: 403, cred: alice(), withCertificate: []string{replica},
			want: unsure + "the registry redirects to another host, which returned 403 without the credential",
		},
		"a redirect that lacks the certificate": {
			redirect: "sub." + replica, status: 400, cred: alice(), withCertificate: []string{replica},
			want: unsure + "the registry redirects to another host, which returned 400 without the credential",
		},
		"its own token service":       {realm: replica, cred: alice(), withCertificate: []string{replica}, want: "Pullable"},
		"a token service elsewhere":   {realm: host, cred: alice(), withCertificate: []string{replica}, want: "Pullable"},
		"a token service that denies": {realm: host, status: 403, cred: alice(), withCertificate: []string{replica}, want: unsure + "the token service on another host gets no header or client certificate of hosts.toml; the status is 403"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			with, without := map[string]bool{}, map[string]bool{}
			var r *recordingServer
			r = newRecordingServer(t, func(s *httptest.Server) {
				s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
					mu.Lock()
					defer mu.Unlock()
					if len(req.TLS.PeerCertificates) > 0 {
						with[req.Host] = true
					} else {
						without[req.Host] = true
					}
					needsToken := test.realm != "" || test.cred.Username != ""
					switch {
					case req.Host != replica && test.status != 0:
						w.WriteHeader(test.status)
					case req.URL.Path == "/token":
						_, _ = w.Write([]byte(`{"access_token":"t"}`))
					case req.Host == replica && needsToken && req.Header.Get("Authorization") == "":
						realm := replica
						if test.realm != "" {
							realm = test.realm
						}
						w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="https://%s/token"`, realm))
						w.WriteHeader(http.StatusUnauthorized)
					case req.Host == replica && test.redirect != "":
						http.Redirect(w, req, "https://"+test.redirect+req.URL.Path, http.StatusTemporaryRedirect)
					default:
						r.ServeHTTP(w, req)
					}
				})
				s.StartTLS()
			})
			files := r.files(t)
			client := r.client(t, map[string]string{
				host + "/hosts.toml": `server = "https://` + replica + `"` + "\nclient = \"both.pem\"\n", host + "/both.pem": files["both.pem"],
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), test.cred), test.want)
			mu.Lock()
			defer mu.Unlock()
			for _, name := range test.withCertificate {
				if !with[name] {
					t.Errorf("%s got no client certificate", name)
				}
				delete(with, name)
			}
			if len(with) > 0 {
				t.Errorf("%v got the client certificate of %s", with, replica)
			}
			for _, other := range []string{test.redirect, test.realm} {
				if other != "" && !slices.Contains(test.withCertificate, other) && !without[other] {
					t.Errorf("%s got no request", other)
				}
			}
		})
	}
}

// The authorities of hosts.toml apply to the target of a redirect, skip_verify does not.
func TestRedirectsAreVerified(t *testing.T) {
	t.Parallel()
	const unknown = "RegistryUnavailable: mirror " + replica + ": the registry's certificate is from an authority unknown to Pullgate; transient"
	other, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	tests := map[string]struct{ hosts, target, want string }{
		"an authority":                   {"ca = \"ca.pem\"\n", "elsewhere.example.org", "Pullable"},
		"no verification, another host":  {"skip_verify = true\n", "elsewhere.example.org", unknown},
		"no verification, below it":      {"skip_verify = true\n", "sub." + replica, unknown},
		"no verification, the same name": {"skip_verify = true\n", replica + ":8443", "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts+test.hosts, testregistry.Config{CA: other})
			writeTree(t, m.root, map[string]string{host + "/ca.pem": string(other.PEM())})
			target := m.add(test.target, testregistry.Config{CA: other})
			pushWeb(t, target)
			m.Fault(testregistry.Fault{Status: http.StatusNotFound}) // so that the mirror decides
			m.mirror.Fault(testregistry.Fault{Redirect: "https://" + test.target})
			target.ResetRequests()
			wantVerdict(t, m.resolve(web, anonymous()), test.want)
			if got := len(target.Requests()) > 0; got != (test.want == "Pullable") {
				t.Errorf("the target received a request: %t", got)
			}
		})
	}
}

// The TLS settings of a local registry are for its own host: another one is verified.
func TestLocalRegistryRedirectsToVerifiedHosts(t *testing.T) {
	t.Parallel()
	unknown, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("making a CA: %v", err)
	}
	tests := map[string]struct{ target, want string }{
		"another host":  {"elsewhere.example.org", "NodeLocalRegistry: " + localPrefix + "the registry's certificate is from an authority unknown to Pullgate; transient"},
		"the same name": {"kind-registry:5443", "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, testregistry.Config{}, withLocalRegistry)
			local, target := w.add(localAddress, testregistry.Config{CA: unknown}), w.add(test.target, testregistry.Config{CA: unknown})
			pushTo(t, target, "shop/web:1")
			target.ResetRequests()
			local.Fault(testregistry.Fault{Redirect: "https://" + test.target})
			wantVerdict(t, w.resolve(localName+"/shop/web:1", anonymous()), test.want)
			if got := len(target.Requests()) > 0; got != (test.want == "Pullable") {
				t.Errorf("the target received a request: %t", got)
			}
		})
	}
}
