package secrets

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

var _ Client = corev1client.CoreV1Interface(nil)

func TestNewSource(t *testing.T) {
	t.Parallel()
	if _, err := NewSource(Options{}); err == nil {
		t.Error("NewSource() without a client: no error, want one")
	}
	client := fake.NewClientset().CoreV1()
	if _, err := NewSource(Options{Client: client, MaxEntries: -1}); err == nil {
		t.Error("NewSource() with a negative number of entries: no error, want one")
	}
	s, err := NewSource(Options{Client: fake.NewClientset(pullSecret("regcred", dockerConfigJSON("r.example=alice"))).CoreV1()})
	if err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	s.Credentials(t.Context(), shopPod("regcred"))
	if !s.Credentials(t.Context(), shopPod("regcred")).FromCache {
		t.Error("without Clock, the source does not cache")
	}
}

func TestSourceCredentials(t *testing.T) {
	t.Parallel()
	objects := []runtime.Object{
		pullSecret("one", dockerConfigJSON("r.example=alice")),
		pullSecret("two", dockerConfigJSON("r.example=bob")),
		pullSecret("path", dockerConfigJSON("r.example/team=carol")),
		pullSecret("broken", `{"auths": {"q.example": {"auth": "!"}}}`),
		pullSecret("empty", `{}`),
		account("two", "", "one"),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elsewhere"}},
	}
	for name, test := range map[string]struct {
		pod   imagepull.Pod
		users []string
		want  credentials.Set
		reads []string
	}{
		"no pull secrets": {pod: shopPod(), users: anonymous()},
		"one":             {pod: shopPod("one"), users: []string{"alice"}, reads: []string{"get secrets shop one"}},
		"in the pod's order": {
			pod: shopPod("one", "two"), users: []string{"alice", "bob"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"in the pod's order, reversed": {
			pod: shopPod("two", "one"), users: []string{"bob", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"longer key first, whatever the order": {
			pod: shopPod("one", "path"), users: []string{"carol", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop path"},
		},
		"listed twice": {
			pod: shopPod("one", "two", "one"), users: []string{"alice", "bob"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"empty name": {pod: shopPod("", "one"), users: []string{"alice"}, reads: []string{"get secrets shop one"}},
		"missing": {
			pod: shopPod("gone", "one"), users: []string{"alice"}, want: credentials.Set{Missing: []string{"gone"}},
			reads: []string{"get secrets shop gone", "get secrets shop one"},
		},
		"in another namespace": {
			pod: shopPod("elsewhere"), users: anonymous(), want: credentials.Set{Missing: []string{"elsewhere"}},
			reads: []string{"get secrets shop elsewhere"},
		},
		"impossible names are not requested": {
			pod: shopPod("../../nodes/n1", "Upper", strings.Repeat("x", 9999), "one"), users: []string{"alice"},
			want: credentials.Set{Ignored: slices.Concat(
				problems(`pull secret "../../nodes/n1"`, "no Secret can have this name"),
				problems(`pull secret "Upper"`, "no Secret can have this name"),
				problems(`pull secret "`+strings.Repeat("x", 253)+`"`, "no Secret can have this name"),
			)},
			reads: []string{"get secrets shop one"},
		},
		"invalid": {
			pod: shopPod("one", "broken"), users: []string{"alice"},
			want:  credentials.Set{Invalid: problems(`pull secret "broken"`, "an auth field is not base64")},
			reads: []string{"get secrets shop broken", "get secrets shop one"},
		},
		"ignored": {
			pod: shopPod("empty", "one"), users: []string{"alice"},
			want:  credentials.Set{Ignored: problems(`pull secret "empty"`, "its docker config lists no registry")},
			reads: []string{"get secrets shop empty", "get secrets shop one"},
		},
		"service account": {
			pod:   imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"},
			users: []string{"bob", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop two", "get serviceaccounts shop builder"},
		},
		"service account without pull secrets": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "default"}, users: anonymous(),
			reads: []string{"get serviceaccounts shop default"},
		},
		"missing service account": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "gone"}, users: anonymous(),
			reads: []string{"get serviceaccounts shop gone"},
		},
		"service account with an impossible name": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "../secrets"}, users: anonymous(),
		},
		"service account and the pod's own pull secret": {
			pod:   imagepull.Pod{Namespace: "shop", ServiceAccount: "builder", PullSecrets: []string{"one"}},
			users: []string{"alice"}, reads: []string{"get secrets shop one"},
		},
		"an empty name counts as a pull secret for the admission plugin": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "builder", PullSecrets: []string{""}}, users: anonymous(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, objects...)
			got := c.source.Credentials(t.Context(), test.pod)
			if diff := diffSets(test.want, got); diff != "" {
				t.Errorf("Credentials() (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.users, users(got, "r.example/team/app")); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reads, c.reads()); diff != "" {
				t.Errorf("reads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceNamesNamespaceAndSecret(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
	got := logins(c.source.Credentials(t.Context(), shopPod("regcred")), "r.example/app")[0]
	if got.Source != "secret/shop/regcred" {
		t.Errorf("Source = %q, want secret/shop/regcred", got.Source)
	}
}
