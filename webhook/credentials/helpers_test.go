package credentials

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// password is what no output may ever hold.
const password = "s3cr3t-of-the-shop"

// auth returns the auth field for a user whose password is the one above.
func auth(user string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// config returns a docker config.json with one user per registry; both come as "registry=user".
func config(logins ...string) string {
	list := make([]string, 0, len(logins))
	for _, l := range logins {
		registry, user, _ := strings.Cut(l, "=")
		list = append(list, fmt.Sprintf("%q: {\"auth\": %q}", registry, auth(user)))
	}
	return `{"auths": {` + strings.Join(list, ", ") + `}}`
}

// pullSecret returns a secret of the namespace "shop" with a docker config.json.
func pullSecret(name, dockerConfig string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Type:       corev1.SecretTypeDockerConfigJson,
		Data:       map[string][]byte{corev1.DockerConfigJsonKey: []byte(dockerConfig)},
	}
}

// keyring returns the ring of one secret with one user per registry, in the form of config.
func keyring(logins ...string) Keyring {
	var list []entry
	for _, l := range logins {
		registry, user, _ := strings.Cut(l, "=")
		list = append(list, entry{registry: registry, credential: imagepull.Credential{
			Username: user, Password: password, Source: "secret/shop/regcred",
		}})
	}
	return newKeyring(list)
}

// candidates returns what a node would try for a repository.
func candidates(set Set, repository string) []imagepull.Credential {
	return slices.Collect(set.Lookup(repository).All(context.Background()))
}

// users returns who a registry is shown, "" being nobody.
func users(credentials []imagepull.Credential) []string {
	var names []string
	for _, c := range credentials {
		names = append(names, c.Username)
	}
	return names
}

// mustParse parses a file that is known to be good.
func mustParse(t *testing.T, data, name string) File {
	t.Helper()
	f, err := ParseFile([]byte(data), name)
	if err != nil {
		t.Fatalf("ParseFile() error = %v, want none", err)
	}
	return f
}
