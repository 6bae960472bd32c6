package registry_test

import (
	"crypto/x509"
	"net/http/httptest"
	"testing"

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
		"by http with TLS that fails":    {"server = \"http://" + replica + ":5000\"\nskip_verify = true", (*httptest.Server).Start, "Pullable"},
		"by http at port 80 with TLS":    {"server = \"http://" + replica + ":80\"\nskip_verify = true", (*httptest.Server).Start, "Pullable"},
		"the registry itself by http":    {`server = "http://` + host + `"`, (*httptest.Server).Start, "Pullable"},
		"the registry itself by default": {"skip_verify = true", (*httptest.Server).Start, "InsecureRegistry: the registry speaks plain HTTP"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := newRecordingServer(t, test.start).client(t, map[string]string{host + "/hosts.toml": test.hosts})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
		})
	}
}

func TestMirrorTLS(t *testing.T) {
	t.Parallel()
	const unknown = "RegistryUnavailable: the registry's certificate is from an authority unknown to Pullgate; transient"
	const unreadable = "RegistryUnavailable: the nodes' registry hosts or their certificates cannot be read"
	server := "server = \"https://" + host + "\"\n"
	tests := map[string]struct {
		hosts      string
		files      []string // in addition to hosts.toml
		want       string
		wantClient bool
	}{
		"unknown":                       {hosts: server, want: unknown},
		"not verified":                  {hosts: server + "skip_verify = true", want: "Pullable"},
		"verified":                      {hosts: server + "skip_verify = false", want: unknown},
		"an authority":                  {hosts: server + `ca = "ca.pem"`, files: []string{"ca.pem"}, want: "Pullable"},
		"one of several authorities":    {hosts: server + `ca = ["other.pem", "ca.pem"]`, files: []string{"ca.pem", "other.pem"}, want: "Pullable"},
		"an authority in the directory": {files: []string{"a.crt"}, want: "Pullable"},
		"beside an empty hosts.toml":    {hosts: " ", files: []string{"a.crt"}, want: unknown},
		"beside an invalid hosts.toml":  {hosts: "[", files: []string{"a.crt"}, want: "Pullable"},
		"a missing authority": {
			hosts: server + `ca = "gone.pem"`, want: unreadable,
		},
		"an invalid authority": {hosts: server + `ca = "a.key"`, files: []string{"a.key"}, want: unreadable},
		"a missing authority of a mirror": {
			hosts: server + replicaHosts + `ca = "gone.pem"`, want: unreadable,
		},
		"a client, in one file": {
			hosts: server + "skip_verify = true\nclient = \"both.pem\"", files: []string{"both.pem"}, want: "Pullable", wantClient: true,
		},
		"a client, in two files": {
			hosts: server + "skip_verify = true\nclient = [[\"a.cert\", \"a.key\"]]", files: []string{"a.cert", "a.key"}, want: "Pullable", wantClient: true,
		},
		"a client in the directory":             {files: []string{"a.cert", "a.key", "a.crt"}, want: "Pullable", wantClient: true},
		"a client in one file there":            {files: []string{"both.cert", "a.crt"}, want: "Pullable", wantClient: true},
		"a client without its key":              {files: []string{"a.cert", "a.crt"}, want: unreadable},
		"a missing client":                      {hosts: server + `client = "gone.pem"`, want: unreadable},
		"a client with a missing key":           {hosts: server + `client = [["a.cert", "gone.key"]]`, files: []string{"a.cert"}, want: unreadable},
		"a client that is an authority":         {hosts: server + `client = "ca.pem"`, files: []string{"ca.pem"}, want: unreadable},
		"a negative dial timeout":               {hosts: server + "skip_verify = true\ndial_timeout = \"-1s\"", want: "RegistryUnavailable: no response in time; transient"},
		"a dial timeout over ours":              {hosts: server + "skip_verify = true\ndial_timeout = \"1h\"", want: "Pullable"},
		"a dial timeout of zero":                {hosts: server + "skip_verify = true\ndial_timeout = \"0s\"", want: "Pullable"},
		"a path outside the tree":               {hosts: server + `ca = "/nonexistent/ca.pem"`, want: unreadable},
		"a directory with a certificate's name": {files: []string{"dir.crt/x", "a.crt"}, want: "Pullable"},
		"a key without a certificate":           {files: []string{"a.key", "a.crt"}, want: "Pullable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRecordingServer(t, (*httptest.Server).StartTLS)
			all := r.files(t)
			files := map[string]string{host + "/note.txt": ""}
			if test.hosts != "" {
				files[host+"/hosts.toml"] = test.hosts
			}
			for _, name := range test.files {
				files[host+"/"+name] = all[name]
			}
			client := newClient(t, registry.Options{
				HostsDir: writeTree(t, "", files), RootCAs: x509.NewCertPool(), DialContext: dialTo(r.Listener.Addr().String()),
			})
			wantVerdict(t, client.Resolve(t.Context(), reference(web), anonymous()), test.want)
			if test.want != "Pullable" {
				return
			}
			if got := len(r.last(t).TLS.PeerCertificates) > 0; got != test.wantClient {
				t.Errorf("a client certificate was sent: %t, want %t", got, test.wantClient)
			}
		})
	}
}
