package credentials

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

var _ Client = corev1client.CoreV1Interface(nil)

func TestNewSource(t *testing.T) {
	t.Parallel()
	if _, err := NewSource(Options{}); err == nil {
		t.Error("NewSource() without a client: no error, want one")
	}
	client := fake.NewClientset().CoreV1()
	if _, err := NewSource(Options{Client: client, MaxRemembered: -1}); err == nil {
		t.Error("NewSource() with a negative number of secrets: no error, want one")
	}
	s, err := NewSource(Options{Client: fake.NewClientset(pullSecret("regcred", config("r.example=alice"))).CoreV1()})
	if err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	s.Credentials(t.Context(), shopPod("regcred"), false)
	if !s.Credentials(t.Context(), shopPod("regcred"), false).Remembered {
		t.Error("without a clock of its own, the source remembers nothing")
	}
}

func TestSourceCredentials(t *testing.T) {
	t.Parallel()
	objects := []runtime.Object{
		pullSecret("one", config("r.example=alice")),
		pullSecret("two", config("r.example=bob")),
		pullSecret("path", config("r.example/team=carol")),
		pullSecret("broken", `{"auths": {"q.example": {"auth": "!"}}}`),
		pullSecret("empty", `{}`),
		account("two", "", "one"),
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "default"}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "other", Name: "elsewhere"}},
	}
	for name, test := range map[string]struct {
		pod   imagepull.Pod
		users []string
		want  Set
		reads []string
	}{
		"no pull secrets": {pod: shopPod(), users: nobody},
		"one":             {pod: shopPod("one"), users: []string{"alice"}, reads: []string{"get secrets shop one"}},
		"pod's order, one way": {
			pod: shopPod("one", "two"), users: []string{"alice", "bob"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"pod's order, the other way": {
			pod: shopPod("two", "one"), users: []string{"bob", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"path first, in spite of the order": {
			pod: shopPod("one", "path"), users: []string{"carol", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop path"},
		},
		"listed twice": {
			pod: shopPod("one", "two", "one"), users: []string{"alice", "bob"},
			reads: []string{"get secrets shop one", "get secrets shop two"},
		},
		"empty name": {pod: shopPod("", "one"), users: []string{"alice"}, reads: []string{"get secrets shop one"}},
		"missing": {
			pod: shopPod("gone", "one"), users: []string{"alice"}, want: Set{Missing: []string{"gone"}},
			reads: []string{"get secrets shop gone", "get secrets shop one"},
		},
		"of another namespace": {
			pod: shopPod("elsewhere"), users: nobody, want: Set{Missing: []string{"elsewhere"}},
			reads: []string{"get secrets shop elsewhere"},
		},
		"names that can't exist are not asked for": {
			pod: shopPod("../../nodes/n1", "Upper", "a b", "one"), users: []string{"alice"},
			want:  Set{Missing: []string{"../../nodes/n1", "Upper", "a b"}},
			reads: []string{"get secrets shop one"},
		},
		"invalid": {
			pod: shopPod("one", "broken"), users: []string{"alice"},
			want:  Set{Invalid: []Problem{{`pull secret "broken"`, "an auth field is not base64"}}},
			reads: []string{"get secrets shop broken", "get secrets shop one"},
		},
		"ignored": {
			pod: shopPod("empty", "one"), users: []string{"alice"},
			want:  Set{Ignored: []Problem{{`pull secret "empty"`, "its docker config lists no registry"}}},
			reads: []string{"get secrets shop empty", "get secrets shop one"},
		},
		"service account": {
			pod:   imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"},
			users: []string{"bob", "alice"},
			reads: []string{"get secrets shop one", "get secrets shop two", "get serviceaccounts shop builder"},
		},
		"service account without pull secrets": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "default"}, users: nobody,
			reads: []string{"get serviceaccounts shop default"},
		},
		"service account that is missing": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "gone"}, users: nobody,
			reads: []string{"get serviceaccounts shop gone"},
		},
		"service account that can't exist": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "../secrets"}, users: nobody,
		},
		"service account beside the pod's own": {
			pod:   imagepull.Pod{Namespace: "shop", ServiceAccount: "builder", PullSecrets: []string{"one"}},
			users: []string{"alice"}, reads: []string{"get secrets shop one"},
		},
		"an empty name is a pull secret of its own to the admission plugin": {
			pod: imagepull.Pod{Namespace: "shop", ServiceAccount: "builder", PullSecrets: []string{""}}, users: nobody,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, objects...)
			got := c.source.Credentials(t.Context(), test.pod, false)
			if diff := diffSets(test.want, got); diff != "" {
				t.Errorf("Credentials() (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.users, users(candidates(got, "r.example/team/app"))); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reads, c.reads()); diff != "" {
				t.Errorf("reads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceNamesTheSecret(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", config("r.example=alice")))
	got := candidates(c.source.Credentials(t.Context(), shopPod("regcred"), false), "r.example/app")[0]
	if got.Source != "secret/shop/regcred" {
		t.Errorf("Source = %q, want secret/shop/regcred", got.Source)
	}
}
