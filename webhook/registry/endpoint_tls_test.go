package registry_test

import (
	"crypto/x509"
	"encoding/pem"
	"net/http/httptest"
	"testing"

	testregistry "github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/registry"
)

func TestPlainHTTPMirrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		hosts string
		start func(*httptest.Server)
		want  string
	}{
		"by http":                        {`server = "http://` + replica + `"`, (*httptest.Server).Start, "Pullable"},
		"by https":                       {`server = "https://` + replica + `"`, (*httptest.Server).Start, "InsecureRegistry: mirror " + replica + ": the registry speaks plain HTTP"},
		"by http with TLS":               {"server = \"http://" + replica + ":5000\"\nskip_verify = true", (*httptest.Server).StartTLS, "Pullable"},
		"by http with TLS that is not":   {"server = \"http://" + replica + ":5000\"\nskip_verify = true", (*httptest.Server).Start, "Pullable"},
		"by http at its port with TLS":   {"server = \"http://" + replica + ":80\"\nskip_verify = true", (*httptest.Server).Start, "Pullable"},
		"the registry itself by http":    {`server = "http://` + host + `"`, (*httptest.Server).Start, "Pullable"},
		"the registry itself by default": {"skip_verify = true", (*httptest.Server).Start, "InsecureRegistry: the registry speaks plain HTTP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newWitness(t, test.start).client(t, map[string]string{host + "/hosts.toml": test.hosts})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

func TestTLSOfAMirror(t *testing.T) {
	t.Parallel()
	const unknown = "RegistryUnavailable: the registry's certificate is from an authority unknown to Pullgate; transient"
	const unreadable = "RegistryUnavailable: the nodes' registry hosts or their certificates cannot be read"
	server := "server = \"https://" + host + "\"\n"
	tests := map[string]struct {
		hosts      string
		files      []string // of those that are there, but for hosts.toml
		want       string
		wantClient bool
	}{
		"not known":                     {hosts: server, want: unknown},
		"not verified":                  {hosts: server + "skip_verify = true", want: "Pullable"},
		"verified":                      {hosts: server + "skip_verify = false", want: unknown},
		"an authority":                  {hosts: server + `ca = "ca.pem"`, files: []string{"ca.pem"}, want: "Pullable"},
		"one of several authorities":    {hosts: server + `ca = ["other.pem", "ca.pem"]`, files: []string{"ca.pem", "other.pem"}, want: "Pullable"},
		"an authority in the directory": {files: []string{"a.crt"}, want: "Pullable"},
		"beside an empty file":          {hosts: " ", files: []string{"a.crt"}, want: unknown},
		"beside a broken file":          {hosts: "[", files: []string{"a.crt"}, want: "Pullable"},
		"an authority that is not there": {
			hosts: server + `ca = "gone.pem"`, want: unreadable,
		},
		"an authority that is none": {hosts: server + `ca = "a.key"`, files: []string{"a.key"}, want: unreadable},
		"a mirror's that is not there": {
			hosts: server + toReplica + `ca = "gone.pem"`, want: unreadable,
		},
		"a client, in one file": {
			hosts: server + "skip_verify = true\nclient = \"both.pem\"", files: []string{"both.pem"}, want: "Pullable", wantClient: true,
		},
		"a client, in two files": {
			hosts: server + "skip_verify = true\nclient = [[\"a.cert\", \"a.key\"]]", files: []string{"a.cert", "a.key"}, want: "Pullable", wantClient: true,
		},
		"a client in the directory":        {files: []string{"a.cert", "a.key", "a.crt"}, want: "Pullable", wantClient: true},
		"a client in one file there":       {files: []string{"both.cert", "a.crt"}, want: "Pullable", wantClient: true},
		"a client without its key":         {files: []string{"a.cert", "a.crt"}, want: unreadable},
		"a client that is not there":       {hosts: server + `client = "gone.pem"`, want: unreadable},
		"a client whose key is not there":  {hosts: server + `client = [["a.cert", "gone.key"]]`, files: []string{"a.cert"}, want: unreadable},
		"a client that is something else":  {hosts: server + `client = "ca.pem"`, files: []string{"ca.pem"}, want: unreadable},
		"a patience that is over at once":  {hosts: server + "skip_verify = true\ndial_timeout = \"-1s\"", want: "RegistryUnavailable: no answer in time; transient"},
		"a patience that is ours":          {hosts: server + "skip_verify = true\ndial_timeout = \"1h\"", want: "Pullable"},
		"a patience without an end":        {hosts: server + "skip_verify = true\ndial_timeout = \"0s\"", want: "Pullable"},
		"a path that is not the tree's":    {hosts: server + `ca = "/nonexistent/ca.pem"`, want: unreadable},
		"a directory in Docker's manner":   {files: []string{"dir.crt/x", "a.crt"}, want: "Pullable"},
		"a key that belongs to nobody yet": {files: []string{"a.key", "a.crt"}, want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newWitness(t, (*httptest.Server).StartTLS)
			all := r.files(t)
			files := map[string]string{host + "/note.txt": ""}
			if test.hosts != "" {
				files[host+"/hosts.toml"] = test.hosts
			}
			for _, name := range test.files {
				files[host+"/"+name] = all[name]
			}
			client := newClient(t, registry.Options{
				HostsDir: plant(t, "", files), RootCAs: x509.NewCertPool(), DialContext: dialTo(r.Listener.Addr().String()),
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
			if test.want != "Pullable" {
				return
			}
			if got := len(r.last(t).TLS.PeerCertificates) > 0; got != test.wantClient {
				t.Errorf("a client certificate was shown: %t, want %t", got, test.wantClient)
			}
		})
	}
}

// files are what a tree may hold for the witness's TLS.
func (r *witness) files(t *testing.T) map[string]string {
	t.Helper()
	stranger, err := testregistry.NewCA()
	if err != nil {
		t.Fatalf("NewCA: %v", err)
	}
	node, err := r.ca.Certificate("node")
	if err != nil {
		t.Fatalf("Certificate: %v", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(node.PrivateKey)
	if err != nil {
		t.Fatalf("writing a key: %v", err)
	}
	certificate := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: node.Certificate[0]}))
	key := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	ca := string(r.ca.PEM())
	return map[string]string{
		"ca.pem": ca, "other.pem": string(stranger.PEM()), "a.crt": ca, "dir.crt/x": "",
		"a.cert": certificate, "a.key": key, "both.pem": certificate + key, "both.cert": certificate + key,
	}
}
