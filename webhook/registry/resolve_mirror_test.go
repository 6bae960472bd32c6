package registry_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
)

func TestMirrors(t *testing.T) {
	t.Parallel()
	ns := "HEAD shop/web:1"
	tests := map[string]struct {
		hosts            string
		mirror, upstream testregistry.Fault
		onMirror, at     []string
		want             string
	}{
		"the mirror has it": {hosts: replicaHosts, onMirror: []string{ns + " 200"}, want: "Pullable"},
		"the mirror lacks it": {
			hosts: replicaHosts, mirror: testregistry.Fault{Status: 404}, onMirror: []string{ns + " 404"}, at: []string{ns + " 200"}, want: "Pullable",
		},
		"the mirror lacks resolve": {
			hosts: replicaHosts + "capabilities = [\"pull\"]\n", at: []string{ns + " 200"}, want: "Pullable",
		},
		"the mirror lacks pull": {
			hosts: replicaHosts + "capabilities = [\"resolve\", \"push\"]\n", at: []string{ns + " 200"}, want: "Pullable",
		},
		"no host with resolve": {
			hosts: "server = \"https://" + host + "\"\ncapabilities = [\"pull\"]\n",
			want:  "NotFound: the nodes' hosts.toml leaves no host to pull the image from",
		},
		"no usable host": {
			hosts: "server = \"httpx://" + host + "\"\n",
			want:  "NotFound: the nodes' hosts.toml leaves no host to pull the image from",
		},
		"unusable mirrors": {hosts: "[host.\"httpx://x\"]\n[host.\"httpd\"]\n", at: []string{ns + " 200"}, want: "Pullable"},
		"the mirror is the server": {
			hosts: "server = \"https://" + replica + "\"\n", mirror: testregistry.Fault{Status: 404},
			onMirror: []string{ns + " 404", "GET shop/web:1 404"}, want: "NotFound: mirror " + replica + ": tag not found",
		},
		"an invalid file": {hosts: "[", at: []string{ns + " 200"}, want: "Pullable"},
		"both lack it": {
			hosts: replicaHosts, mirror: testregistry.Fault{Status: 404}, upstream: testregistry.Fault{Status: 404},
			onMirror: []string{ns + " 404"}, at: []string{ns + " 404", "GET shop/web:1 404"}, want: "NotFound: tag not found",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, test.hosts, testregistry.Config{})
			pushWeb(t, m.mirror)
			for server, fault := range map[*testregistry.Server]testregistry.Fault{m.mirror: test.mirror, m.Server: test.upstream} {
				if fault.Status != 0 {
					server.Fault(fault)
				}
			}
			wantVerdict(t, m.resolve(web, anonymous()), test.want)
			wantWire(t, m.mirror, test.onMirror...)
			wantWire(t, m.Server, test.at...)
		})
	}
}

// A failing status of a mirror leads to the registry. An invalid success ends the pull.
func TestMirrorResponsesThatEndThePull(t *testing.T) {
	t.Parallel()
	header := func(key, value string) http.Header { return http.Header{key: {value}} }
	tests := map[string]struct {
		fault testregistry.Fault
		want  string // if empty, the registry receives a request
	}{
		"401":                           {fault: testregistry.Fault{Status: 401}},
		"403":                           {fault: testregistry.Fault{Status: 403}},
		"404":                           {fault: testregistry.Fault{Status: 404}},
		"405 twice":                     {fault: testregistry.Fault{Status: 405}},
		"429":                           {fault: testregistry.Fault{Status: 429}},
		"500":                           {fault: testregistry.Fault{Status: 500}},
		"503":                           {fault: testregistry.Fault{Status: 503}},
		"a reset connection":            {fault: testregistry.Fault{Reset: true}},
		"an endless redirect":           {fault: testregistry.Fault{RedirectLoop: true}},
		"a redirect to an unknown host": {fault: testregistry.Fault{Redirect: "https://gone.example.net"}},
		"304":                           {fault: testregistry.Fault{Status: 304}, want: "RegistryUnavailable: mirror " + replica + ": the registry returned 304"},
		"another type":                  {fault: testregistry.Fault{Header: header("Content-Type", "text/html")}, want: "UnsupportedImage: mirror " + replica + ": " + notManifest},
		"an invalid digest":             {fault: testregistry.Fault{Header: header("Docker-Content-Digest", "none")}, want: "UnsupportedImage: mirror " + replica + ": " + badDigest},
		"no size by GET":                {fault: testregistry.Fault{Method: http.MethodHead, DropHeader: []string{"Docker-Content-Digest"}}, want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, testregistry.Config{})
			pushWeb(t, m.mirror)
			m.mirror.Fault(test.fault)
			want := test.want
			if want == "" {
				want = "Pullable"
			}
			wantVerdict(t, m.resolve(web, anonymous()), want)
			if sent := len(m.Requests()) > 0; sent != (test.want == "") {
				t.Errorf("the registry received a request: %t, want %t", sent, test.want == "")
			}
		})
	}
}

const (
	notManifest = "the registry's response is not a manifest by its content type"
	badDigest   = "the registry returned an invalid digest for the manifest"
)

// A node that has the headers requests the body from the same host only.
func TestMissingBodyEndsThePull(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		404: "NotFound: mirror " + replica + ": tag not found",
		503: "RegistryUnavailable: mirror " + replica + ": the registry returned 503; transient",
		0:   "RegistryUnavailable: mirror " + replica + ": the connection broke; transient",
	} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, testregistry.Config{})
			pushWeb(t, m.mirror)
			m.mirror.Fault(testregistry.Fault{Method: http.MethodHead, DropHeader: []string{"Docker-Content-Digest"}})
			m.mirror.Fault(testregistry.Fault{Method: http.MethodGet, Status: status, Reset: status == 0})
			wantVerdict(t, m.resolve(web, anonymous()), want)
			wantWire(t, m.Server)
		})
	}
}

// An Indeterminate failure is reported first, because that host may have the image. Otherwise it is the failure that a node
// reports.
func TestWorstFailureIsReported(t *testing.T) {
	t.Parallel()
	const (
		own       = "the registry returned 503; transient"
		ofMirror  = "mirror " + replica + ": "
		forbidden = "AccessDenied: the image is private or does not exist, and no pull secret is for it"
	)
	status := func(s int) testregistry.Fault { return testregistry.Fault{Status: s} }
	large := testregistry.Fault{Header: http.Header{"Content-Length": {"9999999"}}}
	tests := map[string]struct {
		mirror, upstream testregistry.Fault
		want             string
	}{
		"absent, then broken":      {status(404), status(503), "RegistryUnavailable: " + own},
		"broken, then absent":      {status(503), status(404), "RegistryUnavailable: " + ofMirror + own},
		"reset, then absent":       {testregistry.Fault{Reset: true}, status(404), "RegistryUnavailable: " + ofMirror + "the connection broke; transient"},
		"reset, then broken":       {testregistry.Fault{Reset: true}, status(503), "RegistryUnavailable: " + own},
		"limited, then denied":     {status(429), status(403), "RateLimited: " + ofMirror + "the registry limits the rate of requests"},
		"denied, then absent":      {status(403), status(404), strings.Replace(forbidden, ": ", ": "+ofMirror, 1)},
		"absent, then denied":      {status(404), status(403), forbidden},
		"denied, then denied":      {status(403), status(403), strings.Replace(forbidden, ": ", ": "+ofMirror, 1)},
		"too large, then absent":   {large, status(404), "UnsupportedImage: " + ofMirror + "the manifest is larger than the nodes' runtime accepts"},
		"too large, then broken":   {large, status(503), "RegistryUnavailable: " + own},
		"absent, then too large":   {status(404), large, tooLarge},
		"too large, then pullable": {large, testregistry.Fault{}, "Pullable"},
		"broken, then another one": {status(500), status(503), "RegistryUnavailable: " + ofMirror + "the registry returned 500; transient"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMirrored(t, replicaHosts, testregistry.Config{Seed: 7})
			pushWeb(t, m.mirror)
			m.mirror.Fault(test.mirror)
			m.Fault(test.upstream)
			wantVerdict(t, m.resolve(web, anonymous()), test.want)
		})
	}
}

// Another credential or a second request would not help: no request is sent.
func TestNoHostNeedsNoConfirmation(t *testing.T) {
	t.Parallel()
	m := newMirrored(t, "server = \"https://"+host+"\"\ncapabilities = [\"pull\"]\n", testregistry.Config{})
	if v := m.resolve(web, anonymous()); !v.Confirmed || !v.AnyCredential {
		t.Errorf("confirmed %t, for any credential %t; want both", v.Confirmed, v.AnyCredential)
	}
}
