package secrets

import (
	"context"
	"encoding/base64"
	"fmt"
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

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// password must not appear in any output.
const password = "s3cr3t-of-the-shop"

// anonymous is the user of the anonymous credential.
func anonymous() []string { return []string{""} }

// auth returns the auth field for a user with the constant password.
func auth(user string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

// dockerConfigJSON returns a docker config.json with entries in the form "registry=user".
func dockerConfigJSON(entries ...string) string {
	list := make([]string, 0, len(entries))
	for _, e := range entries {
		registry, user, _ := strings.Cut(e, "=")
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

// account returns a service account of the namespace "shop" with pull secrets.
func account(secrets ...string) *corev1.ServiceAccount {
	a := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "builder"}}
	for _, s := range secrets {
		a.ImagePullSecrets = append(a.ImagePullSecrets, corev1.LocalObjectReference{Name: s})
	}
	return a
}

// shopPod returns a pod of the namespace "shop" that lists pull secrets.
func shopPod(names ...string) imagepull.Pod {
	return imagepull.Pod{Namespace: "shop", PullSecrets: names}
}

// accountPod returns a pod of the namespace "shop" with the service account that account returns.
func accountPod() imagepull.Pod { return imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"} }

// cluster is a fake API server with a Source that reads from it and a clock that only the test moves.
type cluster struct {
	*fake.Clientset
	clock  *clocktesting.FakePassiveClock
	source *Source
}

func newCluster(t testing.TB, objects ...runtime.Object) *cluster {
	t.Helper()
	c := &cluster{Clientset: fake.NewClientset(objects...), clock: newClock()}
	c.source = newSource(t, Options{Client: c.CoreV1(), Clock: c.clock})
	return c
}

// newLiveCluster returns a cluster whose clock is the one of a synctest bubble. Its source is closed at the end of the test.
func newLiveCluster(t testing.TB, objects ...runtime.Object) *cluster {
	t.Helper()
	c := &cluster{Clientset: fake.NewClientset(objects...)}
	c.source = newSource(t, Options{Client: c.CoreV1()})
	t.Cleanup(c.source.Close)
	return c
}

func newSource(t testing.TB, o Options) *Source {
	t.Helper()
	source, err := NewSource(o)
	if err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	return source
}

func newClock() *clocktesting.FakePassiveClock {
	return clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
}

// fail makes every read of a kind of object return the error.
func (c *cluster) fail(resource string, err error) {
	c.PrependReactor("get", resource, func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, err })
}

// reads returns the requests to the API server, sorted.
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

// store replaces a secret of the cluster.
func (c *cluster) store(t *testing.T, secret *corev1.Secret) {
	t.Helper()
	if _, err := c.CoreV1().Secrets(secret.Namespace).Update(t.Context(), secret, metav1.UpdateOptions{}); err != nil {
		t.Fatalf("updating a secret: %v", err)
	}
	c.ClearActions()
}

// advance moves the clock.
func (c *cluster) advance(d time.Duration) { c.clock.SetTime(c.clock.Now().Add(d)) }

// read returns the set of a pod: with fresh objects, or with objects that may come from the cache.
func (c *cluster) read(t *testing.T, pod imagepull.Pod, fresh bool) credentials.Set {
	t.Helper()
	if fresh {
		return c.source.FreshCredentials(t.Context(), pod)
	}
	return c.source.Credentials(t.Context(), pod)
}

// login is the user name and the source of a credential.
type login struct{ User, Source string }

// logins returns the credentials that a set yields for a repository.
func logins(set credentials.Set, repository string) []login {
	var all []login
	for c := range set.Lookup(context.Background(), repository) {
		all = append(all, login{c.Username, c.Source})
	}
	return all
}

// users returns the user names that a set yields for a repository. The anonymous credential has the empty name.
func users(set credentials.Set, repository string) []string {
	var names []string
	for _, l := range logins(set, repository) {
		names = append(names, l.User)
	}
	return names
}

// diffSets compares the exported fields of two sets without their keyrings, which tests compare by lookups.
func diffSets(want, got credentials.Set) string {
	// The conversion drops the method Equal, which ignores FromCache.
	type fields credentials.Set
	return cmp.Diff(fields(want), fields(got), cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Keyring" || p.Last().String() == ".node"
	}, cmp.Ignore()))
}

// problems returns one problem.
func problems(subject, detail string) []credentials.Problem {
	return []credentials.Problem{{Subject: subject, Detail: detail}}
}

// mustParse parses a valid file.
func mustParse(t *testing.T, data, name string) File {
	t.Helper()
	f, err := ParseFile([]byte(data), name)
	if err != nil {
		t.Fatalf("ParseFile() error = %v, want none", err)
	}
	return f
}
