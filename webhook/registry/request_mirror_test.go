package registry_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestMirrorURLs(t *testing.T) {
	t.Parallel()
	const manifest = "/shop/web/manifests/1"
	tests := map[string]struct{ namespace, hosts, want string }{
		"a mirror":                       {host, replicaHosts, replica + "/v2" + manifest + "?ns=" + host},
		"with a port":                    {host, `server = "` + replica + `:5000"`, replica + ":5000/v2" + manifest + "?ns=" + host},
		"of a port":                      {host + ":5000", replicaHosts, replica + "/v2" + manifest + "?ns=" + host + "%3A5000"},
		"the registry itself":            {host, `server = "https://` + host + `"`, host + "/v2" + manifest},
		"with another port":              {host, `server = "https://` + host + `:443"`, host + ":443/v2" + manifest + "?ns=" + host},
		"below a path":                   {host, `server = "https://` + replica + `/hub"`, replica + "/hub/v2" + manifest + "?ns=" + host},
		"below a final slash":            {host, `server = "https://` + replica + `/"`, replica + "/v2" + manifest + "?ns=" + host},
		"with override_path":             {host, "server = \"https://" + replica + "/hub\"\noverride_path = true", replica + "/hub" + manifest + "?ns=" + host},
		"with override_path and no path": {host, "server = \"https://" + replica + "\"\noverride_path = true", replica + manifest + "?ns=" + host},
		"of Docker Hub":                  {"docker.io", replicaHosts, replica + "/v2" + manifest + "?ns=docker.io"},
		"a query in the path":            {host, `server = "https://` + replica + `/a%3Fb=c"`, replica + "/a?b=c%2Fv2%2Fshop%2Fweb%2Fmanifests%2F1&ns=" + host},
		"for every registry":             {"other.example", "", replica + "/v2" + manifest + "?ns=other.example"},
		"a loopback registry":            {"localhost:5000", replicaHosts, replica + "/v2" + manifest + "?ns=localhost%3A5000"},
		"a registry in the file":         {host, "[host.\"https://" + host + "\"]\n", host + "/v2" + manifest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecordingServer(t, (*httptest.Server).StartTLS)
			files := map[string]string{"_default/hosts.toml": replicaHosts}
			if test.hosts != "" {
				files[test.namespace+"/hosts.toml"] = test.hosts
			}
			client := r.client(t, files)
			wantVerdict(t, client.Resolve(t.Context(), reference(test.namespace+"/shop/web:1"), anonymous()), "Pullable")
			if got := r.last(t).Host + r.last(t).RequestURI; got != test.want {
				t.Errorf("got request for %s, want %s", got, test.want)
			}
		})
	}
}

func TestMirrorHeaders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header string
		want   http.Header
	}{
		"of its own":    {`{X-Key = "k", x-list = ["a", "b"]}`, http.Header{"X-Key": {"k"}, "X-List": {"a", "b"}, "User-Agent": {"pullgate"}}},
		"a user agent":  {`{User-Agent = "node"}`, http.Header{"User-Agent": {"node"}}},
		"authorization": {`{Authorization = "Basic bm9kZQ=="}`, http.Header{"Authorization": {"Basic bm9kZQ=="}, "User-Agent": {"pullgate"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecordingServer(t, (*httptest.Server).StartTLS)
			client := r.client(t, map[string]string{host + "/hosts.toml": replicaHosts + "header = " + test.header})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), "Pullable")
			got := r.last(t).Header.Clone()
			got.Del("Accept")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("header differs (-want +got):\n%s", diff)
			}
		})
	}
}

// A header from hosts.toml is not sent to a host to which its host redirects.
func TestHeadersStayWithTheirHost(t *testing.T) {
	t.Parallel()
	r := newRecordingServer(t, (*httptest.Server).StartTLS)
	m := newMirrored(t, "[host.\"https://"+replica+"\"]\nheader = {x-key = \"k\", x-back = \"b\"}\n", testregistry.Config{}, func(o *registry.Options) {
		o.RootCAs.AppendCertsFromPEM(r.ca.PEM())
		toNetwork, toRecorder := o.DialContext, dialTo(r.Listener.Addr().String())
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, host) {
				return toRecorder(ctx, network, address)
			}
			return toNetwork(ctx, network, address)
		}
	})
	m.mirror.Fault(testregistry.Fault{Redirect: "https://" + host})
	wantVerdict(t, m.resolve(web, anonymous()), "Pullable")
	if header := r.last(t).Header; header.Get("X-Key") != "" || header.Get("X-Back") != "" {
		t.Errorf("another host received %v", header)
	}
}
