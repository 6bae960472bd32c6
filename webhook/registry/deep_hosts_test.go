package registry_test

import (
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
)

// Storage services sign a URL for one method, and respond with 403 to any other.
func TestLayersOfStorageServices(t *testing.T) {
	t.Parallel()
	const storage = "storage.example.net"
	tests := map[string]struct {
		fault testregistry.Fault
		want  string
	}{
		"complete":            {testregistry.Fault{}, "Pullable"},
		"signed for GET only": {testregistry.Fault{Method: http.MethodHead, Status: 403}, "Pullable"},
		"signed in the past": {
			testregistry.Fault{Status: 403},
			"EgressForbidden: the registry redirects to another host, which requires credentials",
		},
		"without the blob": {testregistry.Fault{Status: 404}, withheld404},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDeepImage(t, newFixture(t, bearer()))
			s := d.add(storage, testregistry.Config{})
			if _, err := s.PushImage("shop/deep:1", testregistry.WithLayers(5, 64)); err != nil {
				t.Fatalf("PushImage: %v", err)
			}
			if test.fault.Status != 0 {
				s.Fault(test.fault)
			}
			d.Fault(testregistry.Fault{
				Path: allBlobs, AfterAuth: true, Redirect: "https://" + storage,
				Match: func(r *http.Request) bool { return r.URL.Path != blobPath(d.manifest.Config) },
			})
			wantVerdict(t, d.resolveDeep(alice()), test.want)
			if summary := s.RequestSummary(); strings.Contains(summary, "token") {
				t.Errorf("the storage service received a token:\n%s", summary)
			}
		})
	}
}

func TestBlobsFromMirrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mirror testregistry.Fault
		lost   bool
		want   string
	}{
		"the mirror lacks them":   {testregistry.Fault{Status: 404}, false, "Pullable"},
		"the mirror refuses them": {testregistry.Fault{Status: 403}, false, "Pullable"},
		"both lack them":          {testregistry.Fault{Status: 404}, true, "BlobMissing: the registry has lost layer 1 of 5"},
		"the mirror fails":        {testregistry.Fault{Status: 502}, true, "RegistryUnavailable: mirror " + replica + ": the registry returned 502; transient"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, testregistry.Config{})
			d := newDeepImage(t, m.fixture)
			m.mirror.Fault(test.mirror)
			if test.lost {
				d.lose(d.manifest.Layers[0])
			}
			wantVerdict(t, d.resolveDeep(anonymous()), test.want)
			for _, r := range m.mirror.Requests() {
				if r.Query != "ns="+host {
					t.Errorf("the mirror received %s, want the namespace in the query", r)
				}
			}
		})
	}
}

// The nodes' hosts.toml may change after the image was resolved.
func TestDeepCheckWithoutAnyHost(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, "server = \"httpx://"+host+"\"\n", testregistry.Config{})
	v := resolveDeep(t.Context(), m.fixture, host+"/shop/web@"+absentDigest, anonymous())
	wantVerdict(t, v, "NotFound: the nodes' hosts.toml leaves no host to pull the image from")
}
