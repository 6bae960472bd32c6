package integration

import (
	"net/http"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// The images of the tests, with names in place of the registries' addresses (see testRegistry.expand).
const (
	imagePublic  = "REGISTRY/public/web:1.27"
	imageGone    = "REGISTRY/public/web:gone"
	imagePrivate = "REGISTRY/shop/web:1.27"
	imageDown    = "DOWN/web:1"
	// imageDigest is public. The digest is expanded too.
	imageDigest = "REGISTRY/public/web@DIGEST"
)

// The only account of the registry, for the repositories in shop. No log may contain the password.
const (
	username = "alice"
	password = "correct-horse-battery-staple"
)

// The registries that are down, on privileged ports where no program listens. One is for a single test.
const (
	downHost  = "localhost:1"
	downAlone = "localhost:2"
)

// The faulty registries. A failure is cached, its message has an age, and it may apply to the whole registry. So each test has its
// own registry.
const (
	hangingOnce   = "HANGING1"
	hangingOften  = "HANGING2"
	hangingBeside = "HANGING3"
	hangingLong   = "HANGING4"
	limiting      = "LIMITED"
)

// hanging returns an image for which the registry does not respond.
func hanging(registry string) string { return registry + "/hanging/web:1" }

// testRegistry is a registry with accounts, and others with faults.
type testRegistry struct {
	server *registry.Server
	host   string
	// faulty are the addresses of the others.
	faulty []string
	names  *strings.Replacer
}

func startRegistry(t *testing.T) *testRegistry {
	t.Helper()
	server := startServer(t)
	r := &testRegistry{server: server, host: hostOf(server)}
	names := []string{"REGISTRY", r.host, "DOWNALONE", downAlone, "DOWN", downHost, "DIGEST", fill(t, server), "HEAD…", headOf(r.host)}
	for _, name := range []string{hangingOnce, hangingOften, hangingBeside, hangingLong, limiting} {
		host := hostOf(startFaulty(t))
		r.faulty = append(r.faulty, host)
		names = append(names, name+"…", headOf(host), name, host)
	}
	r.names = strings.NewReplacer(names...)
	return r
}

func startServer(t *testing.T) *registry.Server {
	t.Helper()
	server, err := registry.Start(registry.Config{
		Auth:     registry.AuthBearer,
		Accounts: []registry.Account{{Username: username, Password: password, Repositories: []string{"shop/*"}}},
		Public:   []string{"public/*", "hanging/*", "limited/*"},
	})
	if err != nil {
		t.Fatalf("starting the registry: %v", err)
	}
	t.Cleanup(server.Close)
	return server
}

// startFaulty starts a registry whose repositories are named after their faults.
func startFaulty(t *testing.T) *registry.Server {
	t.Helper()
	s := startServer(t)
	s.Fault(registry.Fault{Path: "/v2/hanging/*", Hang: true})
	s.Fault(registry.Fault{Path: "/v2/limited/*", Status: http.StatusTooManyRequests})
	return s
}

func hostOf(s *registry.Server) string { return strings.Replace(s.Addr(), "127.0.0.1", "localhost", 1) }

// headOf returns the part of an address that a shortened warning keeps.
func headOf(host string) string { return host[:11] + "…" }

// fill pushes the images and returns the digest of the public image.
func fill(t *testing.T, s *registry.Server) string {
	t.Helper()
	amd64, arm64 := imagepull.Platform{OS: "linux", Architecture: "amd64"}, imagepull.Platform{OS: "linux", Architecture: "arm64"}
	digest, err := s.PushImage("public/web:1.27")
	push := func(_ string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("pushing an image: %v", err)
		}
	}
	push(digest, err)
	push(s.PushImage("public/web:1.28"))
	push(s.PushImage("shop/web:1.27"))
	push(s.PushIndex("public/multi:1", amd64, arm64))
	push(s.PushIndex("public/arm:1", arm64))
	push(s.PushManifest("public/old:1", "application/vnd.docker.distribution.manifest.v1+prettyjws", []byte(`{"schemaVersion":1}`)))
	return digest
}

// expand replaces the names of the registries in an image or a message by their addresses. "HEAD…" is the shortened address of
// the first registry, and "LIMITED…" the shortened address of a faulty one.
func (r *testRegistry) expand(text string) string { return r.names.Replace(text) }

// dockerConfig returns a docker config.json for the registries.
func (r *testRegistry) dockerConfig(auth string) []byte {
	var entries []string
	for _, host := range append([]string{r.host}, r.faulty...) {
		entries = append(entries, `"`+host+`":`+auth)
	}
	return []byte(`{"auths":{` + strings.Join(entries, ",") + `}}`)
}

// pullSecret returns a pull secret with the account, or with another auth.
func (r *testRegistry) pullSecret(name string, auth ...string) *corev1.Secret {
	login := `{"username":"` + username + `","password":"` + password + `"}`
	if len(auth) > 0 {
		login = auth[0]
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: r.dockerConfig(login)},
	}
}
