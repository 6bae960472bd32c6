package registry_test

import (
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// If a manifest is too large, a node still uses its digest for the requests to the next host.
func TestDigestOfAnOversizedManifestIsKept(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, replicaHosts, testregistry.Config{})
	pushWeb(t, m.mirror)
	m.mirror.Fault(testregistry.Fault{Header: http.Header{"Content-Length": {"9999999"}, "Docker-Content-Digest": {absentDigest}}})
	v := m.resolve(web, anonymous())
	wantVerdict(t, v, "Pullable")
	if v.Digest != absentDigest {
		t.Errorf("got digest %s, want the mirror's", v.Digest)
	}
}

func TestIndexIsReadFromTheFirstHostThatHasIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hosts        string
		onMirror     bool
		mirror       testregistry.Fault
		upstream     testregistry.Fault
		want         string
		wantPlatform bool
	}{
		"from a mirror without resolve": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", onMirror: true, want: "Pullable", wantPlatform: true,
		},
		"from a mirror with push only": {
			hosts: replicaHosts + "capabilities = [\"push\"]\n", onMirror: true, want: "Pullable", wantPlatform: true,
		},
		"from the registry": {hosts: replicaHosts + "capabilities = [\"pull\"]\n", want: "Pullable", wantPlatform: true},
		"the mirror fails": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", mirror: testregistry.Fault{Status: 503}, want: "Pullable", wantPlatform: true,
		},
		"the mirror has another document": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", mirror: testregistry.Fault{Status: 200, Body: "{}"},
			want: "RegistryUnavailable: mirror " + replica + ": the registry's response does not match its digest",
		},
		"no host has it": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", upstream: testregistry.Fault{Method: http.MethodGet, Status: 404},
			want: "NotFound: the registry lists the tag but has lost its manifest",
		},
		"the mirror is Indeterminate": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", mirror: testregistry.Fault{Reset: true},
			upstream: testregistry.Fault{Method: http.MethodGet, Status: 404},
			want:     "RegistryUnavailable: mirror " + replica + ": the connection broke; transient",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, test.hosts, testregistry.Config{})
			digest, err := m.PushIndex("shop/multi:1", imagepull.Platform{OS: "linux", Architecture: "amd64"})
			if err != nil {
				t.Fatalf("PushIndex: %v", err)
			}
			if test.onMirror {
				copyManifest(t, m.Server, m.mirror, "shop/multi:1")
			}
			for server, fault := range map[*testregistry.Server]testregistry.Fault{m.mirror: test.mirror, m.Server: test.upstream} {
				if fault.Status != 0 || fault.Reset {
					server.Fault(fault)
				}
			}
			v := m.resolve(host+"/shop/multi:1", anonymous())
			wantVerdict(t, v, test.want)
			if got := len(v.Platforms) == 1; got != test.wantPlatform {
				t.Errorf("got platforms %v of %s", v.Platforms, digest)
			}
			if sent := strings.Contains(m.RequestSummary(), "GET"); sent == test.onMirror && test.want == "Pullable" {
				t.Errorf("the registry received requests:\n%s", m.RequestSummary())
			}
		})
	}
}
