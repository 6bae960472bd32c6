package registry_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

// witness is a host that has every image, and writes down what it is sent.
type witness struct {
	ca *testregistry.CA
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
}

func newWitness(t *testing.T, start func(*httptest.Server)) *witness {
	t.Helper()
	ca, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	certificate, err := ca.Certificate(replica, host)
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	r := &witness{ca: ca}
	r.Server = httptest.NewUnstartedServer(r)
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequestClientCert, MinVersion: tls.VersionTLS12}
	start(r.Server)
	t.Cleanup(r.Close)
	return r
}

// ServeHTTP implements http.Handler.
func (r *witness) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, req)
	w.Header().Set("Content-Type", ociManifest)
	w.Header().Set("Content-Length", "2")
	w.Header().Set("Docker-Content-Digest", absentDigest)
}

// last returns the request that was last, for a test that has asked once.
func (r *witness) last(t *testing.T) *http.Request {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.requests) == 0 {
		t.Fatal("nothing was asked")
	}
	return r.requests[len(r.requests)-1]
}

// client asks the witness whatever the name, as the files of a tree say.
func (r *witness) client(t *testing.T, files map[string]string) *registry.Client {
	t.Helper()
	return newClient(t, registry.Options{
		HostsDir: plant(t, "", files), RootCAs: r.ca.Pool(), DialContext: dialTo(r.Listener.Addr().String()),
	})
}

func TestWhereAMirrorIsAsked(t *testing.T) {
	t.Parallel()
	const manifest = "/shop/web/manifests/1"
	tests := map[string]struct{ namespace, hosts, want string }{
		"a mirror":               {host, toReplica, replica + "/v2" + manifest + "?ns=" + host},
		"with a port":            {host, `server = "` + replica + `:5000"`, replica + ":5000/v2" + manifest + "?ns=" + host},
		"of a port":              {host + ":5000", toReplica, replica + "/v2" + manifest + "?ns=" + host + "%3A5000"},
		"the registry itself":    {host, `server = "https://` + host + `"`, host + "/v2" + manifest},
		"with another port":      {host, `server = "https://` + host + `:443"`, host + ":443/v2" + manifest + "?ns=" + host},
		"below a path":           {host, `server = "https://` + replica + `/hub"`, replica + "/hub/v2" + manifest + "?ns=" + host},
		"below a final slash":    {host, `server = "https://` + replica + `/"`, replica + "/v2" + manifest + "?ns=" + host},
		"at a path":              {host, "server = \"https://" + replica + "/hub\"\noverride_path = true", replica + "/hub" + manifest + "?ns=" + host},
		"at no path":             {host, "server = \"https://" + replica + "\"\noverride_path = true", replica + manifest + "?ns=" + host},
		"of Docker Hub":          {"docker.io", toReplica, replica + "/v2" + manifest + "?ns=docker.io"},
		"a query in the path":    {host, `server = "https://` + replica + `/a%3Fb=c"`, replica + "/a?b=c%2Fv2%2Fshop%2Fweb%2Fmanifests%2F1&ns=" + host},
		"for every registry":     {"other.example", "", replica + "/v2" + manifest + "?ns=other.example"},
		"a loopback registry":    {"localhost:5000", toReplica, replica + "/v2" + manifest + "?ns=localhost%3A5000"},
		"a registry in the file": {host, "[host.\"https://" + host + "\"]\n", host + "/v2" + manifest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newWitness(t, (*httptest.Server).StartTLS)
			files := map[string]string{"_default/hosts.toml": toReplica}
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

func TestHeadersOfAMirror(t *testing.T) {
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
			r := newWitness(t, (*httptest.Server).StartTLS)
			client := r.client(t, map[string]string{host + "/hosts.toml": toReplica + "header = " + test.header})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), "Pullable")
			got := r.last(t).Header.Clone()
			got.Del("Accept")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("header differs (-want +got):\n%s", diff)
			}
		})
	}
}

// The nodes' key for one host is not for those that it redirects to.
func TestHeadersStayWithTheirHost(t *testing.T) {
	t.Parallel()
	r := newWitness(t, (*httptest.Server).StartTLS)
	m := newMirrored(t, "[host.\"https://"+replica+"\"]\nheader = {x-key = \"k\", x-back = \"b\"}\n", testregistry.Config{}, func(o *registry.Options) {
		o.RootCAs.AppendCertsFromPEM(r.ca.PEM())
		toNetwork, toWitness := o.DialContext, dialTo(r.Listener.Addr().String())
		o.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if strings.HasPrefix(address, host) {
				return toWitness(ctx, network, address)
			}
			return toNetwork(ctx, network, address)
		}
	})
	m.mirror.Fault(testregistry.Fault{Redirect: "https://" + host})
	wantVerdict(t, m.ask(web, anonymous()), "Pullable")
	if header := r.last(t).Header; header.Get("X-Key") != "" || header.Get("X-Back") != "" {
		t.Errorf("another host was sent %v", header)
	}
}
