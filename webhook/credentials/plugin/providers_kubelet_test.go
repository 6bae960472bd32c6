package plugin

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// typedSecret is the type and the data of a pull secret.
type typedSecret struct{ kind, data string }

// TestSameCredentialsAsTheKubelet compares all three sources of credentials with recorded results of the kubelet's own code.
// The cases come from test/truth/kubelet, which compares many more: "make truth-diff-kubelet" prints each case in which
// Pullgate and the kubelet differ. A credential is written as source, user name and password.
func TestSameCredentialsAsTheKubelet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		secrets    []typedSecret
		config     string
		responses  []string
		repository string
		want       []string
	}{
		"API version before the path, with and without slash": {
			secrets:    []typedSecret{},
			config:     "{\"auths\": {\"127.0.0.1:5000/v2/\": {\"username\": \"other\", \"auth\": \"dTE0MjI5OsO/4oKs\"}, \"registry-1.docker.io/team/\": {\"username\": \"other\", \"auth\": \"dTE0MjMwOg==\"}, \"127.0.0.1:5000/v2?x\": {\"username\": \"other\", \"auth\": \"dTE0MjMxOnA=\"}, \"127.0.0.1:5000/v2\": {\"username\": \"other\", \"auth\": \"dTE0\\nMjMyOsO/4oKs\"}}}",
			responses:  []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"v1\"}", ""},
			repository: "127.0.0.1:5000/v2/team/app",
			want:       []string{"node u14232:ÿ€", "node u14231:p", "node u14229:ÿ€"},
		},
		"secrets in order, and a type that the kubelet ignores": {
			secrets:    []typedSecret{{"", "{\"auths\": {\"HTTPS://*.0.0.1:5000/te%2Fam\": {\"username\": \"u5905\", \"password\": \"p:q\", \"email\": \"x\"}, \"HTTPS://registry-1.docker.io/%2574eam\": {\"username\": \"u5906\", \"password\": \"p\", \"email\": \"x\"}}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"http://localhost\": {\"Username\": \"u5907\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"http://localhost/app\": {\"identitytoken\": \"t\"}}}"}},
			config:     "{}",
			responses:  []string{"{}", "no JSON"},
			repository: "localhost/app",
			want:       []string{"s2 :", "s1 u5907:p"},
		},
		"two registries with the same key from a provider": {
			secrets:    []typedSecret{},
			config:     "{}",
			responses:  []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Image\", \"cacheDuration\": \"0s\", \"auth\": {\"::1/v1/team\": {\"username\": \"u187\", \"password\": \"p\"}, \"b.plugin.example/team?x\": {\"username\": \"u188\", \"password\": \"p\"}, \"*.example/te%2Fam\": {\"username\": \"u189\", \"password\": \"p\"}, \"http://b.plugin.example/team\": {\"username\": \"u190\", \"password\": \"p\"}}}", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {}}"},
			repository: "b.plugin.example/team/app",
			want:       []string{"node u188:p", "node u190:p"},
		},
		"upper case, and a query": {
			secrets:    []typedSecret{{"kubernetes.io/dockerconfigjson", "{\"auths\": {}}"}},
			config:     "{\"auths\": {\"http://R.example/team\": {\"identitytoken\": \"t\"}, \"?.example\": {\"username\": \"other\", \"auth\": \"dTIzMTU6w7/igqw=\"}, \"https://R.example/team?x\": {\"username\": \"other\", \"auth\": \"dTIz\\nMTY6cDpx\"}}}",
			responses:  []string{"", ""},
			repository: "R.example/team/app",
			want:       []string{"node :", "node u2316:p:q"},
		},
		"entry that does not decode": {
			secrets:    []typedSecret{{"kubernetes.io/dockerconfigjson", "{\"auths\": {\"user@r.example\": {\"Username\": \"u21937\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}, \"docker.io/app\": []}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"r\\\\.example/te%2Fam\": {\"username\": \"other\", \"auth\": \"dTIxOTM5OnA6cQ==\"}, \"https://docker.io/app\": {\"Username\": \"u21940\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}}}"}},
			config:     "{}",
			responses:  []string{"no JSON", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {\"127.0.0.1/\": {\"username\": \"u21941\", \"password\": \"p\"}, \"HTTPS://r.example/%zz\": {\"username\": \"u21942\", \"password\": \"p\"}, \"docker.io\": {\"username\": \"u21943\", \"password\": \"p\"}}}"},
			repository: "docker.io/app",
			want:       []string{"broken"},
		},
		"secret, then provider": {
			secrets:    []typedSecret{{"kubernetes.io/dockerconfigjson", "{\"credsStore\": \"desktop\", \"auths\": {\"?.example/team\": {\"username\": \"other\", \"auth\": \"dTg3\\nNDg6cA==\"}, \"*:5000/v1/\": {\"username\": \"u8749\", \"password\": \"\", \"email\": \"x\"}, \"https://b.plugin.example\": {\"username\": \"other\", \"auth\": \"dTg3NTA6cDpx\"}}}"}},
			config:     "{}",
			responses:  []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Global\", \"cacheDuration\": \"0s\", \"auth\": {\"https://b.plugin.example/team/app\": {\"username\": \"u8751\", \"password\": \"p\"}, \"http://b.plugin.example/team/appx\": {\"username\": \"u8752\", \"password\": \"p\"}}}", "{}"},
			repository: "b.plugin.example/team/app",
			want:       []string{"s0 u8750:p:q", "node u8751:p"},
		},
		"config.json, then provider": {
			secrets:    []typedSecret{},
			config:     "{\"auths\": {\"http://a.plugin.example:5000/app\": {\"identitytoken\": \"t\"}, \"https://a.plugin.example:5000/app?x\": {\"username\": \"other\", \"auth\": \"dTU5Njc6cDpx\"}, \"a.plugin.example:5000/\": {\"username\": \"other\", \"auth\": \"dTU5Njg6w7/igqw=\"}}}",
			responses:  []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {\"ftp://?.example/v2/v2/\": {\"username\": \"u5969\", \"password\": \"p\"}}}", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {}}"},
			repository: "a.plugin.example:5000/app",
			want:       []string{"node :", "node u5967:p:q", "node u5968:ÿ€"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var objects []runtime.Object
			var names []string
			for i, secret := range test.secrets {
				names = append(names, fmt.Sprintf("s%d", i))
				objects = append(objects, secret.object(names[i]))
			}
			source, err := secrets.NewSource(secrets.Options{Client: fake.NewClientset(objects...).CoreV1()})
			if err != nil {
				t.Fatalf("NewSource() error = %v, want none", err)
			}
			node := credentials.Node{
				Source: source, DockerConfig: mustDockerConfigFile(t, test.config),
				Providers: newFakeNode(t,
					&fakeProgram{name: "sh", match: []string{"*.plugin.example", "docker.io/plugged"}, respond: always(test.responses[0])},
					&fakeProgram{name: "bash", match: []string{"a.plugin.example:5000", "b.plugin.example/team", "docker.io/plugged"}, respond: always(test.responses[1])},
				).providers,
			}
			set := node.FreshCredentials(t.Context(), imagepull.Pod{Namespace: "shop", PullSecrets: names})
			if diff := cmp.Diff(test.want, describe(t, set, test.repository)); diff != "" {
				t.Errorf("credentials for %s (-kubelet +pullgate):\n%s", test.repository, diff)
			}
		})
	}
}

// object returns the secret in the namespace "shop".
func (s typedSecret) object(name string) *corev1.Secret {
	key := corev1.DockerConfigJsonKey
	if s.kind == string(corev1.SecretTypeDockercfg) {
		key = corev1.DockerConfigKey
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name},
		Type:       corev1.SecretType(s.kind),
		Data:       map[string][]byte{key: []byte(s.data)},
	}
}

func mustDockerConfigFile(t *testing.T, text string) *credentials.DockerConfigFile {
	t.Helper()
	read := func() ([]byte, error) { return []byte(text), nil }
	f, err := credentials.NewDockerConfigFile(read, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	return f
}

// describe returns the credentials of a set for a repository in the form of the table.
func describe(t *testing.T, set credentials.Set, repository string) []string {
	t.Helper()
	if len(set.Invalid) > 0 {
		return []string{"broken"}
	}
	var all []string
	for c := range set.Lookup(t.Context(), repository) {
		source := strings.TrimPrefix(c.Source, "secret/shop/")
		if credentials.IsOfNode(source) {
			source = "node"
		}
		if source != "" {
			all = append(all, source+" "+c.Username+":"+c.Password)
		}
	}
	return all
}
