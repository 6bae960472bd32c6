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

// The images of the tests, with names in place of the registries' addresses. See testRegistry.expand.
const (
	imagePublic  = "REGISTRY/public/web:1.27"
	imageGone    = "REGISTRY/public/web:gone"
	imagePrivate = "REGISTRY/shop/web:1.27"
	imageHanging = "REGISTRY/hanging/web:1"
	imageDown    = "DOWN/web:1"
	// imageDigest is public, by a digest that is filled in too.
	imageDigest = "REGISTRY/public/web@DIGEST"
)

// The one account of the registry, which may pull what is in shop. The password is searched for in logs.
const (
	username = "alice"
	password = "correct-horse-battery-staple"
)

// downHost is a registry that is down: nothing listens on a port that only the system could give away.
const downHost = "localhost:1"

// testRegistry is a registry with accounts.
type testRegistry struct {
	server *registry.Server
	host   string
	names  *strings.Replacer
}

func startRegistry(t *testing.T) *testRegistry {
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
	r := &testRegistry{server: server, host: strings.Replace(server.Addr(), "127.0.0.1", "localhost", 1)}
	r.names = strings.NewReplacer("REGISTRY", r.host, "DOWN", downHost, "DIGEST", fill(t, server), "HEAD…", r.host[:11]+"…")
	return r
}

// fill pushes the images, and returns the digest of the public one.
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
	push(s.PushImage("hanging/web:1"))
	push(s.PushImage("limited/web:1"))
	s.Fault(registry.Fault{Path: "/v2/hanging/*", Hang: true})
	s.Fault(registry.Fault{Path: "/v2/limited/*", Status: http.StatusTooManyRequests})
	return digest
}

// expand puts the registries' addresses into an image or a message. "HEAD…" is what a warning that is short of space leaves
// of the address.
func (r *testRegistry) expand(text string) string { return r.names.Replace(text) }

// dockerConfig returns a docker config.json for the registry.
func (r *testRegistry) dockerConfig(auth string) []byte {
	return []byte(`{"auths":{"` + r.host + `":` + auth + `}}`)
}

// pullSecret returns a secret that opens the registry, unless another auth than the account's is given.
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
