package registry_test

import (
	"fmt"
	"net/http"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// refuse makes a registry refuse authorized requests for a while, as a replica that lags behind the others does.
func refuse(s *testregistry.Server, challenge string, times int) {
	s.Fault(testregistry.Fault{
		Path: "/v2/*", AfterAuth: true, Times: times, Status: http.StatusUnauthorized,
		Match:  func(r *http.Request) bool { return r.Header.Get("Authorization") != "" },
		Header: http.Header{"Www-Authenticate": {challenge}},
	})
}

// Replicas of a registry may disagree for a moment. A node sends an authorized request up to four times.
func TestRefusalsThatPass(t *testing.T) {
	t.Parallel()
	const (
		byToken = `Bearer realm="https://` + host + `/token",service="registry.test"`
		byBasic = `Basic realm="Registry"`
	)
	tests := map[string]struct {
		config    testregistry.Config
		challenge string
		cred      imagepull.Credential
		refused   string
	}{
		"bearer":    {bearer(), byToken, alice(), refused},
		"basic":     {basic(), byBasic, alice(), refused},
		"anonymous": {publicBearer(), byToken, anonymous(), private},
	}
	for name, test := range tests {
		for times := 1; times <= 4; times++ {
			for _, warm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d times, warm: %t", name, times, warm), func(t *testing.T) {
					t.Parallel()
					w := newFixture(t, test.config)
					if warm {
						w.resolve(web, test.cred)
					}
					refuse(w.Server, test.challenge, times)
					cachedToken := warm && test.config.Auth == testregistry.AuthBearer // takes the first refusal
					want := "Pullable"
					if times == 4 && !cachedToken {
						want = test.refused // only a second lookup shows that this one does not last
					}
					wantVerdict(t, w.resolve(web, test.cred), want)
					wantVerdict(t, w.resolve(web, test.cred), "Pullable")
				})
			}
		}
	}
}

func TestRefusalsOfAMirrorThatPass(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, replicaHosts, basic())
	pushTo(t, m.mirror, "shop/web:1")
	refuse(m.mirror, `Basic realm="Registry"`, 3)
	m.Fault(testregistry.Fault{Status: http.StatusNotFound})
	wantVerdict(t, m.resolve(web, alice()), "Pullable")
	wantWire(t, m.Server)
}

// A repeated challenge with an error ends the request.
func TestInvalidTokenIsFinal(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	refuse(w.Server, `Bearer realm="https://`+host+`/token",service="registry.test",error="invalid_token"`, 1)
	v := w.resolve(web, alice())
	wantVerdict(t, v, refused)
	if v.LoginFailed {
		t.Error("the login counts as failed, want only the token to be refused")
	}
	wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token alice 200", "HEAD shop/web:1 token=alice 401")
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
}

// Token services have replicas as well. A node sends POST and GET once in a pull.
func TestTokenServiceThatRecovers(t *testing.T) {
	t.Parallel()
	w := newFixture(t, bearer())
	w.Fault(testregistry.Fault{Path: "/token", Times: 2, Status: http.StatusUnauthorized})
	wantVerdict(t, w.resolve(web, alice()), refused)
	wantWire(t, w.Server, "HEAD shop/web:1 401", "POST /token 401", "GET /token alice 401")
	wantVerdict(t, w.resolve(web, alice()), "Pullable")
}

// The names of the cluster's DNS have no meaning on a node, and each host completes a single label in its own way.
func TestNamesOfTheCluster(t *testing.T) {
	t.Parallel()
	for name, hosts := range map[string]string{
		"registry.shop.svc.cluster.local:5443": "", "registry.shop.svc:5443": "", "registry:5000": "",
		"registry2:5000": "[host.\"https://registry2:5000\"]\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{}
			want := ambiguousName
			if hosts != "" {
				files["registry2_5000_/hosts.toml"], want = hosts, "Pullable"
			}
			root := writeTree(t, "", files)
			w := newFixture(t, testregistry.Config{}, func(o *registry.Options) { o.HostsDir = root })
			s := w.add(name, testregistry.Config{})
			pushTo(t, s, "shop/web:1")
			s.ResetRequests()
			wantVerdict(t, w.resolve(name+"/shop/web:1", anonymous()), want)
			if want == ambiguousName {
				wantWire(t, s)
			}
		})
	}
	t.Run("that the operator allows", func(t *testing.T) {
		t.Parallel()
		w := newFixture(t, testregistry.Config{}, func(o *registry.Options) {
			o.Egress = egress.Rules{Allow: []string{"registry.shop.svc:5443"}}
		})
		pushTo(t, w.add("registry.shop.svc:5443", testregistry.Config{}), "shop/web:1")
		wantVerdict(t, w.resolve("registry.shop.svc:5443/shop/web:1", anonymous()), "Pullable")
	})
}
