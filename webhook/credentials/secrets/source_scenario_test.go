package secrets

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// TestSourceScenarios combines secrets as users write them with the credentials that a kubelet would send.
func TestSourceScenarios(t *testing.T) {
	t.Parallel()
	const private, hub = "r.example/shop/web", "docker.io/shop/web"
	anonymous := []login{{}}
	regcred := func(user string) []login { return []login{{user, "secret/shop/regcred"}} }
	opaque := pullSecret("regcred", dockerConfigJSON("r.example=alice"))
	opaque.Type = corev1.SecretTypeOpaque
	dockercfg := &corev1.Secret{
		ObjectMeta: opaque.ObjectMeta,
		Type:       corev1.SecretTypeDockercfg,
		Data:       map[string][]byte{corev1.DockerConfigKey: []byte(`{"https://r.example": {"username": "alice", "password": "x", "email": "a@shop.example"}}`)},
	}
	for name, test := range map[string]struct {
		objects    []runtime.Object
		pod        imagepull.Pod
		repository string
		want       []login
		facts      credentials.Set
	}{
		"no pull secret, private image": {
			pod: shopPod(), repository: private, want: anonymous,
		},
		"valid secret": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("r.example=alice"))},
			pod:     shopPod("regcred"), repository: private, want: regcred("alice"),
		},
		"valid secret of the older type": {
			objects: []runtime.Object{dockercfg},
			pod:     shopPod("regcred"), repository: private, want: regcred("alice"),
		},
		"stale secret, public image: no anonymous credential after it": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("r.example=gone"))},
			pod:     shopPod("regcred"), repository: "r.example/public/web", want: regcred("gone"),
		},
		"first secret bad, second good: both, in order": {
			objects: []runtime.Object{pullSecret("old", dockerConfigJSON("r.example=gone")), pullSecret("new", dockerConfigJSON("r.example=alice"))},
			pod:     shopPod("old", "new"), repository: private,
			want: []login{{"gone", "secret/shop/old"}, {"alice", "secret/shop/new"}},
		},
		"path key bad, host key good: both, path first": {
			objects: []runtime.Object{pullSecret("host", dockerConfigJSON("r.example=alice")), pullSecret("path", dockerConfigJSON("r.example/shop=gone"))},
			pod:     shopPod("host", "path"), repository: private,
			want: []login{{"gone", "secret/shop/path"}, {"alice", "secret/shop/host"}},
		},
		"Docker Hub by its usual key": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("https://index.docker.io/v1/=alice"))},
			pod:     shopPod("regcred"), repository: hub, want: regcred("alice"),
		},
		"Docker Hub by its usual key without the final slash": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("https://index.docker.io/v1=alice"))},
			pod:     shopPod("regcred"), repository: hub, want: anonymous,
		},
		"Docker Hub by the host that serves it": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("registry-1.docker.io=alice"))},
			pod:     shopPod("regcred"), repository: hub, want: anonymous,
		},
		"port 443 written out": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("r.example:443=alice"))},
			pod:     shopPod("regcred"), repository: private, want: anonymous,
		},
		"wildcard over one label": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("*.e.example=alice"))},
			pod:     shopPod("regcred"), repository: "b.e.example/x", want: regcred("alice"),
		},
		"wildcard over two labels": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("*.e.example=alice"))},
			pod:     shopPod("regcred"), repository: "a.b.e.example/x", want: anonymous,
		},
		"path prefix that ends within a name": {
			objects: []runtime.Object{pullSecret("regcred", dockerConfigJSON("r.example/sho=alice"))},
			pod:     shopPod("regcred"), repository: private, want: regcred("alice"),
		},
		"identity token only: an empty match": {
			objects: []runtime.Object{pullSecret("regcred", `{"auths": {"r.example": {"identitytoken": "`+password+`"}}}`)},
			pod:     shopPod("regcred"), repository: private, want: regcred(""),
		},
		"credential helper: an empty entry": {
			objects: []runtime.Object{pullSecret("regcred", `{"auths": {"r.example": {}}, "credsStore": "desktop"}`)},
			pod:     shopPod("regcred"), repository: private, want: regcred(""),
		},
		"Opaque secret": {
			objects: []runtime.Object{opaque},
			pod:     shopPod("regcred"), repository: private, want: anonymous,
			facts: credentials.Set{Ignored: problems(`pull secret "regcred"`, "its type is Opaque, not kubernetes.io/dockerconfigjson")},
		},
		"bad base64 for an unrelated host": {
			objects: []runtime.Object{pullSecret("regcred", `{"auths": {"q.example": {"auth": "`+password+`"}}}`), pullSecret("good", dockerConfigJSON("r.example=alice"))},
			pod:     shopPod("regcred", "good"), repository: private, want: []login{{"alice", "secret/shop/good"}},
			facts: credentials.Set{Invalid: problems(`pull secret "regcred"`, "an auth field is not base64")},
		},
		"missing secret": {
			pod: shopPod("regcred"), repository: private, want: anonymous,
			facts: credentials.Set{Missing: []string{"regcred"}},
		},
		"template with a service account that has the secret": {
			objects: []runtime.Object{account("regcred"), pullSecret("regcred", dockerConfigJSON("r.example=alice"))},
			pod:     imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"}, repository: private, want: regcred("alice"),
		},
		"pod lists another secret, its service account has the right one": {
			objects: []runtime.Object{account("regcred"), pullSecret("regcred", dockerConfigJSON("r.example=alice")), pullSecret("other", dockerConfigJSON("q.example=bob"))},
			pod:     shopPod("other"), repository: private, want: anonymous,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := newCluster(t, test.objects...).source.FreshCredentials(t.Context(), test.pod)
			if diff := cmp.Diff(test.want, logins(set, test.repository)); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			for c := range set.Lookup(t.Context(), test.repository) {
				if (c.Username == "") != c.IsAnonymous() {
					t.Errorf("a credential without user name has a password")
				}
			}
			if diff := diffSets(test.facts, set); diff != "" {
				t.Errorf("facts (-want +got):\n%s", diff)
			}
		})
	}
}
