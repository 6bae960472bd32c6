package registry_test

import (
	"net/http"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
)

// One tenant's repository names a token service of the registry's domain. It never gets the password for another repository.
func TestRealmOfOneRepositoryGetsNoPasswordOfAnother(t *testing.T) {
	t.Parallel()
	const theirs = "theirs.example.com"
	for _, path := range []string{"shop/web:1", "shop/hidden:1"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			w := newFixture(t, basic())
			w.push("evil/app:1")
			w.push("shop/hidden:1")
			service := w.add(theirs, bearer())
			w.Fault(testregistry.Fault{Path: "/v2/evil/*", Authorization: testregistry.Absent, Status: http.StatusUnauthorized, Header: http.Header{
				"Www-Authenticate": {`Bearer realm="https://` + theirs + `/token",service="registry.test"`},
			}})
			w.Fault(testregistry.Fault{Path: "/v2/evil/*", Status: http.StatusOK, Header: http.Header{
				"Content-Type": {ociManifest}, "Docker-Content-Digest": {absentDigest}, "Content-Length": {"2"},
			}})
			wantVerdict(t, w.resolve(host+"/evil/app:1", alice()), "Pullable")
			wantWire(t, service, "POST /token alice 200") // the control: it gets what is meant for it
			wantVerdict(t, w.resolve(host+"/"+path, alice()), "Pullable")
			wantWire(t, service)
		})
	}
}
