package kubelet

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scenario is the input of one case: what the pod and its node have, and the repository to look up.
type scenario struct {
	secrets    []secret
	config     string
	outputs    []string
	repository string
}

// secret is the type and the data of a pull secret. The data is stored under the key of the type.
type secret struct{ kind, data string }

// names returns the names of the secrets: s0, s1 and so on.
func (s scenario) names() []string {
	var names []string
	for i := range s.secrets {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	return names
}

// objects returns the secrets in the form of the API server.
func (s scenario) objects() []corev1.Secret {
	var list []corev1.Secret
	for i, name := range s.names() {
		key := corev1.DockerConfigJsonKey
		if s.secrets[i].kind == string(corev1.SecretTypeDockercfg) {
			key = corev1.DockerConfigKey
		}
		list = append(list, corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
			Type:       corev1.SecretType(s.secrets[i].kind),
			Data:       map[string][]byte{key: []byte(s.secrets[i].data)},
		})
	}
	return list
}

// row formats the scenario as a row of the table in webhook/credentials/plugin/providers_kubelet_test.go.
func (s scenario) row(name string, want []string) string {
	var secrets []string
	for _, one := range s.secrets {
		secrets = append(secrets, fmt.Sprintf("{%q, %q}", one.kind, one.data))
	}
	return fmt.Sprintf("%q: {\n\tsecrets: []typedSecret{%s},\n\tconfig: %q,\n\tresponses: %#v,\n\trepository: %q,\n\twant: %#v,\n},",
		name, strings.Join(secrets, ", "), s.config, s.outputs, s.repository, want)
}

// generator generates scenarios. The same seed generates the same ones.
type generator struct {
	*rand.Rand
	// users counts the usernames, so that each is unique.
	users int
	// wanted is the repository of the current scenario.
	wanted string
}

func newGenerator(seed uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, 0))}
}

func (g *generator) scenario() scenario {
	g.wanted = g.repository()
	s := scenario{config: "{}", repository: g.wanted}
	for range g.IntN(4) {
		s.secrets = append(s.secrets, g.secret())
	}
	if g.one(2) {
		s.config = g.dockerConfig()
	}
	for range 2 {
		s.outputs = append(s.outputs, g.output())
	}
	return s
}

// one returns true with a probability of 1/n.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func (g *generator) pick(from ...string) string { return from[g.IntN(len(from))] }

// repository returns a repository in the form of the kubelet's parser. Few match a provider, because starting a
// process takes time.
func (g *generator) repository() string {
	if g.one(16) {
		return g.pick("a.plugin.example/app", "a.plugin.example:5000/app", "b.plugin.example/team/app", "docker.io/plugged/app")
	}
	return g.pick("r.example", "r.example", "r.example:5000", "r.example:443", "a.r.example", "a.b.r.example", "R.example",
		"docker.io", "docker.io", "localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "index.docker.io.example") +
		g.pick("/app", "/team/app", "/teams/app", "/library/nginx", "/v1/app", "/v2/team/app")
}

// registry returns a key that may match the repository. Half of the keys are close to a match.
func (g *generator) registry() string {
	scheme := g.pick("", "", "", "", "https://", "http://", "HTTPS://", "ftp://", "//")
	if strings.HasPrefix(g.wanted, "docker.io/") && g.one(4) {
		return scheme + "index.docker.io" + g.pick("", "/", "/v1/", "/v2/", "/v1", "/v1//", "/team", "?x", "/v1/?x")
	}
	if g.one(2) {
		parts := strings.Split(g.wanted, "/")
		scheme = g.pick("", "", "https://", "http://")
		return scheme + strings.Join(parts[:1+g.IntN(len(parts))], "/") + g.pick("", "", "", "/", "x", "?x")
	}
	host := g.pick("r.example", "r.example", "r.example", "r.example:5000", "r.example:443", "r.example:", "r.example:abc", "*.example",
		"*.r.example", "*.*.r.example", "r.*", "*", "*:5000", "*.*", "?.example", "[a-r].example", "[r.example", `r\.example`, "R.example",
		"docker.io", "docker.io", "index.docker.io", "index.docker.io", "registry-1.docker.io", "*.io", "localhost", "localhost:5000",
		"127.0.0.1", "127.0.0.1:5000", "*.0.0.1:5000", "[::1]:5000", "::1", "", "user@r.example", "a:b@r.example", " r.example",
		"*.plugin.example", "*.plugin.example:5000", "a.plugin.example")
	return scheme + host + g.pick("", "", "", "/", "/team", "/team/", "/team/app", "/tea", "/v1", "/v1/", "/v2/", "/v1/team", "/v2/v2/",
		"//", "/%74eam", "/%2574eam", "/te%2Fam", "/%zz", "%20", "/team?x=1", "?x", "#f", "/team#f", "/*", "/Team", "/v1//")
}

// secret returns a secret of a random type, usually a type that the kubelet reads.
func (g *generator) secret() secret {
	switch g.IntN(12) {
	case 0:
		return secret{string(corev1.SecretTypeOpaque), g.dockerConfig()}
	case 1:
		return secret{g.pick("", "kubernetes.io/tls"), g.dockerConfig()}
	case 2, 3, 4:
		return secret{string(corev1.SecretTypeDockercfg), g.entries()}
	}
	return secret{string(corev1.SecretTypeDockerConfigJson), g.dockerConfig()}
}

// dockerConfig returns the text of a config.json.
func (g *generator) dockerConfig() string {
	if g.one(40) {
		return g.pick("", "null", "{", "[]", `"auths"`, `{"auths": []}`, `{"auths": null}`, `{"HttpHeaders": {"a": 1}}`, `{"auths": {}} x`)
	}
	before := g.pick("", "", "", `"credsStore": "desktop", `, `"HttpHeaders": {"a": "b"}, `, `"auths": {"first.example": {}}, `)
	return "{" + before + `"` + g.pick("auths", "auths", "auths", "Auths") + `": ` + g.entries() + "}"
}

// registries returns the keys of one file. The kubelet iterates over them as a map: repeated lookups produce both
// orders of two equivalent keys, but not all orders of more. So at most one pair of keys is equivalent.
func (g *generator) registries(most int) []string {
	var list []string
	meanings := make(map[string]bool)
	paired := false
	for range g.IntN(most + 1) {
		registry := g.registry()
		rough := strings.TrimPrefix(strings.TrimPrefix(registry, "https://"), "http://")
		rough = rough[strings.Index(rough, "@")+1:]
		rough, _, _ = strings.Cut(rough, "?")
		rough, _, _ = strings.Cut(rough, "#")
		rough = strings.Trim(strings.NewReplacer("/v1/", "/", "/v2/", "/", "%74", "t").Replace(rough), "/")
		if meanings[rough] && paired {
			continue
		}
		paired = paired || meanings[rough]
		meanings[rough] = true
		list = append(list, registry)
	}
	return list
}

// entries returns a JSON object with up to four entries. One of them may be repeated.
func (g *generator) entries() string {
	var list []string
	for _, registry := range g.registries(4) {
		list = append(list, fmt.Sprintf("%q: %s", registry, g.entry()))
	}
	if len(list) > 0 && g.one(10) {
		list = append(list, list[0])
	}
	return "{" + strings.Join(list, ", ") + "}"
}

func (g *generator) entry() string {
	g.users++
	user := fmt.Sprintf("u%d", g.users)
	if g.one(30) {
		return g.pick(`null`, `{}`, `5`, `"x"`, `[]`, `{"username": 5}`, `{"auth": "!"}`, `{"auth": "dXNlcg=="}`, `{"auth": " dTpw"}`,
			`{"auth": "dTpw "}`, `{"auth": ""}`, `{"auth": null}`, `{"email": 5}`)
	}
	switch g.IntN(6) {
	case 0:
		return fmt.Sprintf(`{"username": %q, "password": %q, "email": "x"}`, user, g.pick("", "p", "p:q"))
	case 1:
		return fmt.Sprintf(`{"Username": %q, "PASSWORD": "p", "identitytoken": "t", "registrytoken": "t"}`, user)
	case 2:
		return `{"identitytoken": "t"}`
	}
	auth := base64.StdEncoding.EncodeToString([]byte(user + ":" + g.pick("", "p", "p:q", "ÿ€")))
	switch g.IntN(5) {
	case 0:
		auth = strings.TrimRight(auth, "=")
	case 1:
		auth = auth[:4] + `\n` + auth[4:]
	}
	return fmt.Sprintf(`{"username": "other", "auth": "%s"}`, auth)
}

// output returns the output of a provider. It is never cached, so that the next case reads its own.
func (g *generator) output() string {
	if g.one(10) {
		return g.pick("", "no JSON", "{}", `{"kind": "CredentialProviderResponse", "apiVersion": "v1"}`)
	}
	var list []string
	for _, registry := range g.registries(4) {
		g.users++
		list = append(list, fmt.Sprintf(`%q: {"username": "u%d", "password": "p"}`, registry, g.users))
	}
	if g.one(20) {
		list = append(list, `"x": {"identitytoken": "t"}`)
	}
	return fmt.Sprintf(`{"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "cacheKeyType": %q, "cacheDuration": "0s", "auth": {%s}}`,
		g.pick("Image", "Registry", "Global", "Other"), strings.Join(list, ", "))
}
