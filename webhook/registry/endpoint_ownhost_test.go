package registry_test

import (
	"net/http"
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

// A node connects to the token service with the host's own TLS settings. Pullgate verifies it by the usual authorities.
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
