package cluster

import (
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/test/registry"
)

func TestTrust(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	tests := map[string]struct{ name, dir string }{
		"a name":             {name: "registry.example", dir: "registry.example"},
		"a name with a port": {name: "registry.example:5000", dir: "registry.example_5000_"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := p.trust(tt.name, []byte("the authority")); err != nil {
				t.Fatal(err)
			}
			dir := p.path("etc", "certs.d", tt.dir)
			want := `server = "https://` + tt.name + "\"\nca = \"" + dir + "/ca.crt\"\n"
			if got := read(t, filepath.Join(dir, "hosts.toml")); got != want {
				t.Errorf("got hosts.toml\n%s\nwant\n%s", got, want)
			}
			if got := read(t, filepath.Join(dir, "ca.crt")); got != "the authority" {
				t.Errorf("got authority %q", got)
			}
		})
	}
}

func TestMirrorDockerHub(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if err := p.mirrorDockerHub(); err != nil {
		t.Fatal(err)
	}
	text := read(t, p.path("etc", "certs.d", "docker.io", "hosts.toml"))
	for _, part := range []string{`[host."https://mirror.example"]`, `["pull", "resolve"]`, "mirror.example/ca.crt"} {
		if !strings.Contains(text, part) {
			t.Errorf("want %s in\n%s", part, text)
		}
	}
}

func TestStandardRegistries(t *testing.T) {
	t.Parallel()
	account := registry.Account{Username: "reader", Password: "secret"}
	all := standardRegistries(account)
	for host, image := range map[string]string{
		OpenRegistry: OpenImage, PrivateRegistry: PrivateImage, MirrorRegistry: MirrorRegistry + "/library/" + MirroredImage,
	} {
		found := false
		for _, pushed := range all[host].images {
			found = found || host+"/"+pushed == image
		}
		if !found {
			t.Errorf("%s has %v, want %s", host, all[host].images, image)
		}
	}
	if host, image, _ := strings.Cut(sandboxImage, "/"); all[host].images[0] != image {
		t.Errorf("%s has %v, want the sandbox image", host, all[host].images)
	}
	if all[PrivateRegistry].config.Auth == registry.AuthNone {
		t.Error("the private registry requires no authentication")
	}
}

func TestPrivateConfig(t *testing.T) {
	t.Parallel()
	p := Plan{Dir: t.TempDir()}
	if err := p.writePrivateConfig(registry.Account{Username: "reader", Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	var config struct {
		Auths map[string]struct{ Username, Password string } `json:"auths"`
	}
	if err := json.Unmarshal([]byte(read(t, p.privateConfig())), &config); err != nil {
		t.Fatal(err)
	}
	if got := config.Auths[PrivateRegistry]; got.Username != "reader" || got.Password != "secret" {
		t.Errorf("got %+v, want the account", got)
	}
	info, err := os.Stat(p.privateConfig())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v and error %v, want mode 600", info.Mode(), err)
	}
}

// onLoopback returns a plan whose registry listens on 127.0.0.1. The usual addresses exist only in the cluster's
// network.
func onLoopback(t *testing.T, name string) Plan {
	t.Helper()
	p := Plan{Dir: t.TempDir(), Programs: t.TempDir()}
	if err := writeFile(p.addressFile(), []byte("127.0.0.1 "+name+"\n")); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestServe(t *testing.T) {
	t.Parallel()
	for name, plain := range map[string]bool{"with TLS": false, "without": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := onLoopback(t, "team.example")
			server, err := p.serve("team.example:0", registry.Config{PlainHTTP: plain})
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			if host, _, err := net.SplitHostPort(server.Addr()); err != nil || host != "127.0.0.1" {
				t.Errorf("the server listens on %s, want the address of its name", server.Addr())
			}
			_, err = os.Stat(filepath.Join(p.hostDir("team.example:0"), "hosts.toml"))
			if exists := err == nil; exists == plain {
				t.Errorf("hosts.toml exists: %v, want %v", exists, !plain)
			}
		})
	}
}

func TestServeErrors(t *testing.T) {
	t.Parallel()
	nowhere := onLoopback(t, "team.example")
	if err := writeFile(nowhere.addressFile(), []byte("192.0.2.1 team.example\n")); err != nil {
		t.Fatal(err)
	}
	blocked := onLoopback(t, "team.example")
	createFiles(t, blocked.Dir, "etc/certs.d")
	for name, tt := range map[string]struct {
		plan Plan
		want string
	}{
		"no address":                    {Plan{Dir: "/nowhere/at/all"}, "opening the list of addresses"},
		"an address of another machine": {nowhere, "starting team.example:0"},
		"no folder for the CA":          {blocked, "creating a folder"},
		"no program for the images":     {Plan{Dir: t.TempDir(), Programs: "/nowhere"}, "reading the program of all images"},
	} {
		_, err := tt.plan.serve("team.example:0", registry.Config{})
		if name == "no program for the images" {
			err = tt.plan.serveStandard()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got error %v, want %q in it", name, err, tt.want)
		}
	}
}
