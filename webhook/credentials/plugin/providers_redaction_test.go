package plugin

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestSecretsAreNotPrinted prints every exported type with credentials of this package, of credentials and of secrets, in all
// ways of fmt and slog. It is here because this package may import the other two.
func TestSecretsAreNotPrinted(t *testing.T) {
	t.Parallel()
	auth := base64.StdEncoding.EncodeToString([]byte("alice:" + password))
	data := `{"auths": {"r.example": {"auth": "` + auth + `"}}}`
	source, set := sourceWithSecrets(t, data)
	file, err := secrets.ParseFile([]byte(data), "config.json")
	if err != nil {
		t.Fatalf("ParseFile() error = %v, want none", err)
	}
	config, err := credentials.ParseDockerConfig([]byte(data), "file/config.json")
	if err != nil {
		t.Fatalf("ParseDockerConfig() error = %v, want none", err)
	}
	providers := providersWithSecrets(t)
	node := credentials.Node{Source: source, DockerConfig: mustDockerConfigFile(t, data), Providers: providers}
	nodeSet := node.Credentials(t.Context(), imagepull.Pod{})
	lookup := nodeSet.Lookup(t.Context(), "r.example/app")
	var found []imagepull.Credential
	for c := range lookup {
		found = append(found, c)
	}
	// fmt reads the mutex of the singleflight group too, which its goroutine may still hold. Forget waits for that.
	providers.list[0].inflight.Forget("")
	for name, value := range map[string]any{
		"Keyring":          set.Keyring,
		"*Keyring":         &set.Keyring,
		"Set":              set,
		"*Set":             &set,
		"[]Set":            []credentials.Set{set},
		"Set of a node":    nodeSet,
		"DockerConfig":     config,
		"File":             file,
		"*File":            &file,
		"Files":            secrets.Files{file},
		"Source":           source,
		"Problem":          set.Invalid[0],
		"credentials":      found,
		"lookup":           lookup,
		"DockerConfigFile": node.DockerConfig,
		"Providers":        providers,
		"provider":         providers.list[0],
		"Node":             node,
		"Options":          secrets.Options{},
		"nested":           map[string]any{"set": struct{ s credentials.Set }{set}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for form, text := range printed(t, value) {
				for _, secret := range []string{password, auth, base64.StdEncoding.EncodeToString([]byte(password)), fmt.Sprintf("%x", password)} {
					if strings.Contains(text, secret) {
						t.Errorf("%s prints a secret", form)
					}
				}
			}
		})
	}
}

// sourceWithSecrets returns a Source that has cached a valid and an invalid secret, and the set of a pod with both.
func sourceWithSecrets(t *testing.T, data string) (*secrets.Source, credentials.Set) {
	t.Helper()
	const kind = string(corev1.SecretTypeDockerConfigJson)
	client := fake.NewClientset(typedSecret{kind, data}.object("regcred"), typedSecret{kind, password}.object("broken"))
	source, err := secrets.NewSource(secrets.Options{Client: client.CoreV1()})
	if err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	return source, source.Credentials(t.Context(), imagepull.Pod{Namespace: "shop", PullSecrets: []string{"regcred", "broken"}})
}

// providersWithSecrets returns Providers with secrets in the cache, in the arguments and in the environment.
func providersWithSecrets(t *testing.T) *Providers {
	t.Helper()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, respond: always(responseJSON(perImage, "r.example=bob"))}
	n := newFakeNode(t, program)
	if _, problems := n.provide(t.Context(), "r.example/app"); len(problems) > 0 {
		t.Fatalf("problems %v, want none", problems)
	}
	n.providers.list[0].exec = command{args: []string{password}, environ: []string{password}}.run
	return n.providers
}

// printed returns a value in all printed forms.
func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		all[verb] = fmt.Sprintf(verb, value)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("text", "value", value)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "value", value)
	all["slog"] = log.String()
	if data, err := json.Marshal(value); err == nil {
		all["JSON"] = string(data)
	}
	return all
}
