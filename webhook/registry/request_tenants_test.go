package registry_test

import (
	"net/http"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// One tenant's repository names a token service of the registry's domain. The password of another tenant goes there only if that
// tenant's own request is challenged so.
func TestRealmOfOneTenantGetsNoPasswordOfAnother(t *testing.T) {
	t.Parallel()
	const theirs = "theirs.example.com"
	bob := imagepull.Credential{Username: "bob", Password: "battery staple", Source: "secret/depot/regcred"}
	tests := map[string]struct {
		image string
		// challenged is true if the repository still names the token service.
		challenged bool
		want       []string // the requests to the token service
	}{
		"the same repository, without a challenge": {image: "evil/app:1"},
		"the same repository, with its challenge":  {image: "evil/app:1", challenged: true, want: []string{"POST /token bob 200"}},
		"a private repository":                     {image: "shop/web:1"},
		"while the other one is challenged":        {image: "shop/web:1", challenged: true},
		"an open repository":                       {image: "open/app:1"},
	}
	for name, test := range tests {
		for _, credential := range []imagepull.Credential{alice(), bob} {
			if credential == alice() && test.image == "evil/app:1" {
				continue // the token service has this password
			}
			t.Run(name+", as "+credential.Username, func(t *testing.T) {
				t.Parallel()
				accounts := []testregistry.Account{account(), {Username: bob.Username, Password: bob.Password, Repositories: []string{"shop/*"}}}
				w := newFixture(t, testregistry.Config{Auth: testregistry.AuthBasic, Accounts: accounts, Public: []string{"evil/*", "open/*"}})
				w.push("evil/app:1")
				w.push("open/app:1")
				service := w.add(theirs, testregistry.Config{Auth: testregistry.AuthBearer, Accounts: accounts})
				challenge := testregistry.Fault{Path: "/v2/evil/*", Authorization: testregistry.Absent, Status: http.StatusUnauthorized, Header: http.Header{
					"Www-Authenticate": {`Bearer realm="https://` + theirs + `/token",service="registry.test"`},
				}}
				accepted := testregistry.Fault{Path: "/v2/evil/*", Authorization: testregistry.Present, Status: http.StatusOK, Header: http.Header{
					"Content-Type": {ociManifest}, "Docker-Content-Digest": {absentDigest}, "Content-Length": {"2"},
				}}
				remove := w.Fault(challenge)
				w.Fault(accepted)
				wantVerdict(t, w.resolve(host+"/evil/app:1", alice()), "Pullable")
				wantWire(t, service, "POST /token alice 200") // the control: it gets what is meant for it
				if !test.challenged {
					remove()
				}
				wantVerdict(t, w.resolve(host+"/"+test.image, credential), "Pullable")
				wantWire(t, service, test.want...)
			})
		}
	}
}
