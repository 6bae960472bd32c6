package credentials

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// cluster is a fake API server with a source that reads from it and a clock that only the test moves.
type cluster struct {
	*fake.Clientset
	clock  *clocktesting.FakePassiveClock
	source *Source
}

func newCluster(t *testing.T, objects ...runtime.Object) *cluster {
	t.Helper()
	c := &cluster{
		Clientset: fake.NewClientset(objects...),
		clock:     clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)),
	}
	var err error
	if c.source, err = NewSource(Options{Client: c.CoreV1(), Clock: c.clock}); err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	return c
}

// fail makes every read of a kind of object end in the error.
func (c *cluster) fail(resource string, err error) {
	c.PrependReactor("get", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
}

// reads returns what was asked of the API server, sorted.
func (c *cluster) reads() []string {
	var list []string
	for _, action := range c.Actions() {
		name := ""
		if get, ok := action.(clienttesting.GetAction); ok {
			name = get.GetName()
		}
		list = append(list, strings.Join([]string{action.GetVerb(), action.GetResource().Resource, action.GetNamespace(), name}, " "))
	}
	slices.Sort(list)
	return list
}

// shopPod returns a pod of the namespace "shop" that lists pull secrets.
func shopPod(names ...string) imagepull.Pod {
	return imagepull.Pod{Namespace: "shop", PullSecrets: names}
}

func account(secrets ...string) *corev1.ServiceAccount {
	a := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "builder"}}
	for _, s := range secrets {
		a.ImagePullSecrets = append(a.ImagePullSecrets, corev1.LocalObjectReference{Name: s})
	}
	return a
}

// ignoreKeyring compares all of two sets but their rings and what nodes have, which tests ask rather than look into.
var ignoreKeyring = cmp.FilterPath(
	func(p cmp.Path) bool { return p.Last().String() == ".Keyring" || p.Last().String() == ".node" }, cmp.Ignore())

// diffSets compares the exported facts of two sets; Set's own Equal would leave out Remembered.
func diffSets(want, got Set) string {
	type facts Set
	return cmp.Diff(facts(want), facts(got), ignoreKeyring)
}

// store replaces a secret of the cluster.
func (c *cluster) store(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if _, err := c.CoreV1().Secrets(secret.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("updating a secret: %v", err)
	}
	c.ClearActions()
}

// pass moves the clock.
func (c *cluster) pass(d time.Duration) { c.clock.SetTime(c.clock.Now().Add(d)) }
