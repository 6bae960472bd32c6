package credentials

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// typed is a secret's type and its data.
type typed struct{ kind, data string }

// TestLikeTheKubelet holds what the kubelet's own code was seen to do. The rows come from test/truth/kubelet, which compares
// many more: "make truth-diff-kubelet" prints a row for each case in which the two differ. A credential is written as where
// it comes from, and user and password.
func TestLikeTheKubelet(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		secrets    []typed
		config     string
		answers    []string
		repository string
		want       []string
	}{
		"a version in front of the path, with and without its slash": {
			secrets:    []typed{},
			config:     "{\"auths\": {\"127.0.0.1:5000/v2/\": {\"username\": \"other\", \"auth\": \"dTE0MjI5OsO/4oKs\"}, \"registry-1.docker.io/team/\": {\"username\": \"other\", \"auth\": \"dTE0MjMwOg==\"}, \"127.0.0.1:5000/v2?x\": {\"username\": \"other\", \"auth\": \"dTE0MjMxOnA=\"}, \"127.0.0.1:5000/v2\": {\"username\": \"other\", \"auth\": \"dTE0\\nMjMyOsO/4oKs\"}}}",
			answers:    []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"v1\"}", ""},
			repository: "127.0.0.1:5000/v2/team/app",
			want:       []string{"node u14232:ÿ€", "node u14231:p", "node u14229:ÿ€"},
		},
		"secrets in order, and a type that does not count": {
			secrets:    []typed{{"", "{\"auths\": {\"HTTPS://*.0.0.1:5000/te%2Fam\": {\"username\": \"u5905\", \"password\": \"p:q\", \"email\": \"x\"}, \"HTTPS://registry-1.docker.io/%2574eam\": {\"username\": \"u5906\", \"password\": \"p\", \"email\": \"x\"}}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"http://localhost\": {\"Username\": \"u5907\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"http://localhost/app\": {\"identitytoken\": \"t\"}}}"}},
			config:     "{}",
			answers:    []string{"{}", "no JSON"},
			repository: "localhost/app",
			want:       []string{"s2 :", "s1 u5907:p"},
		},
		"a provider gives two keys of the same meaning": {
			secrets:    []typed{},
			config:     "{}",
			answers:    []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Image\", \"cacheDuration\": \"0s\", \"auth\": {\"::1/v1/team\": {\"username\": \"u187\", \"password\": \"p\"}, \"b.plugin.example/team?x\": {\"username\": \"u188\", \"password\": \"p\"}, \"*.example/te%2Fam\": {\"username\": \"u189\", \"password\": \"p\"}, \"http://b.plugin.example/team\": {\"username\": \"u190\", \"password\": \"p\"}}}", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {}}"},
			repository: "b.plugin.example/team/app",
			want:       []string{"node u188:p", "node u190:p"},
		},
		"upper case, and a query that means nothing": {
			secrets:    []typed{{"kubernetes.io/dockerconfigjson", "{\"auths\": {}}"}},
			config:     "{\"auths\": {\"http://R.example/team\": {\"identitytoken\": \"t\"}, \"?.example\": {\"username\": \"other\", \"auth\": \"dTIzMTU6w7/igqw=\"}, \"https://R.example/team?x\": {\"username\": \"other\", \"auth\": \"dTIz\\nMTY6cDpx\"}}}",
			answers:    []string{"", ""},
			repository: "R.example/team/app",
			want:       []string{"node :", "node u2316:p:q"},
		},
		"an entry that does not decode": {
			secrets:    []typed{{"kubernetes.io/dockerconfigjson", "{\"auths\": {\"user@r.example\": {\"Username\": \"u21937\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}, \"docker.io/app\": []}}"}, {"kubernetes.io/dockerconfigjson", "{\"auths\": {\"r\\\\.example/te%2Fam\": {\"username\": \"other\", \"auth\": \"dTIxOTM5OnA6cQ==\"}, \"https://docker.io/app\": {\"Username\": \"u21940\", \"PASSWORD\": \"p\", \"identitytoken\": \"t\", \"registrytoken\": \"t\"}}}"}},
			config:     "{}",
			answers:    []string{"no JSON", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {\"127.0.0.1/\": {\"username\": \"u21941\", \"password\": \"p\"}, \"HTTPS://r.example/%zz\": {\"username\": \"u21942\", \"password\": \"p\"}, \"docker.io\": {\"username\": \"u21943\", \"password\": \"p\"}}}"},
			repository: "docker.io/app",
			want:       []string{"broken"},
		},
		"a secret, then a provider": {
			secrets:    []typed{{"kubernetes.io/dockerconfigjson", "{\"credsStore\": \"desktop\", \"auths\": {\"?.example/team\": {\"username\": \"other\", \"auth\": \"dTg3\\nNDg6cA==\"}, \"*:5000/v1/\": {\"username\": \"u8749\", \"password\": \"\", \"email\": \"x\"}, \"https://b.plugin.example\": {\"username\": \"other\", \"auth\": \"dTg3NTA6cDpx\"}}}"}},
			config:     "{}",
			answers:    []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Global\", \"cacheDuration\": \"0s\", \"auth\": {\"https://b.plugin.example/team/app\": {\"username\": \"u8751\", \"password\": \"p\"}, \"http://b.plugin.example/team/appx\": {\"username\": \"u8752\", \"password\": \"p\"}}}", "{}"},
			repository: "b.plugin.example/team/app",
			want:       []string{"s0 u8750:p:q", "node u8751:p"},
		},
		"the config.json, then a provider": {
			secrets:    []typed{},
			config:     "{\"auths\": {\"http://a.plugin.example:5000/app\": {\"identitytoken\": \"t\"}, \"https://a.plugin.example:5000/app?x\": {\"username\": \"other\", \"auth\": \"dTU5Njc6cDpx\"}, \"a.plugin.example:5000/\": {\"username\": \"other\", \"auth\": \"dTU5Njg6w7/igqw=\"}}}",
			answers:    []string{"{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {\"ftp://?.example/v2/v2/\": {\"username\": \"u5969\", \"password\": \"p\"}}}", "{\"kind\": \"CredentialProviderResponse\", \"apiVersion\": \"credentialprovider.kubelet.k8s.io/v1\", \"cacheKeyType\": \"Registry\", \"cacheDuration\": \"0s\", \"auth\": {}}"},
			repository: "a.plugin.example:5000/app",
			want:       []string{"node :", "node u5967:p:q", "node u5968:ÿ€"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var objects []runtime.Object
			var names []string
			for i, one := range test.secrets {
				names = append(names, fmt.Sprintf("s%d", i))
				objects = append(objects, one.object(names[i]))
			}
			node := Node{
				Pods: newCluster(t, objects...).source, Config: mustConfig(t, test.config),
				Providers: newFakeNode(t,
					&fakeProgram{name: "sh", match: []string{"*.plugin.example", "docker.io/plugged"}, answer: always(test.answers[0])},
					&fakeProgram{name: "bash", match: []string{"a.plugin.example:5000", "b.plugin.example/team", "docker.io/plugged"}, answer: always(test.answers[1])},
				).providers,
			}
			if diff := cmp.Diff(test.want, written(node.Credentials(t.Context(), shopPod(names...), true), test.repository)); diff != "" {
				t.Errorf("shown to %s (-kubelet +pullgate):\n%s", test.repository, diff)
			}
		})
	}
}

func (s typed) object(name string) *corev1.Secret {
	secret := pullSecret(name, s.data)
	secret.Type = corev1.SecretType(s.kind)
	if secret.Type == corev1.SecretTypeDockercfg {
		secret.Data = map[string][]byte{corev1.DockerConfigKey: []byte(s.data)}
	}
	return secret
}

// written returns what is shown for a repository, in the words of the table.
func written(set Set, repository string) []string {
	if len(set.Invalid) > 0 {
		return []string{"broken"}
	}
	var all []string
	for _, c := range candidates(set, repository) {
		place := strings.TrimPrefix(c.Source, "secret/shop/")
		if IsOfNode(place) {
			place = "node"
		}
		if place != "" {
			all = append(all, place+" "+c.Username+":"+c.Password)
		}
	}
	return all
}
