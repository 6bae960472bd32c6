package secrets

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestSourceCachesFreshSecrets(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", `{"auths": {"r.example": {"auth": "!"}}}`))
	if got := c.read(t, shopPod("regcred"), false); len(got.Invalid) != 1 {
		t.Fatalf("Invalid = %v, want one problem", got.Invalid)
	}
	c.store(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
	if got := c.read(t, shopPod("regcred"), false); len(got.Invalid) != 1 || !got.FromCache {
		t.Errorf("Invalid = %v, FromCache = %t, want the cached problem", got.Invalid, got.FromCache)
	}
	fresh := c.read(t, shopPod("regcred"), true)
	again := c.read(t, shopPod("regcred"), false)
	if len(fresh.Invalid) != 0 || !again.FromCache || !again.Equal(fresh) {
		t.Errorf("Invalid = %v, then %v; want none, and the second set from the cache", fresh.Invalid, again.Invalid)
	}
}

func TestSourceCachesSecretsByNamespaceAndName(t *testing.T) {
	t.Parallel()
	other := pullSecret("regcred", dockerConfigJSON("r.example=bob"))
	other.Namespace = "other"
	c := newCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")), other)
	c.read(t, shopPod("regcred"), false)
	got := c.read(t, imagepull.Pod{Namespace: "other", PullSecrets: []string{"regcred"}}, false)
	if diff := cmp.Diff([]string{"bob"}, users(got, "r.example/app")); diff != "" || got.FromCache {
		t.Errorf("the namespaces share a secret (-want +got):\n%s", diff)
	}
}

func TestSourceDoesNotCacheMissingSecrets(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := newCluster(t)
	if got := c.read(t, shopPod("regcred"), false); len(got.Missing) != 1 {
		t.Fatalf("Missing = %v, want regcred", got.Missing)
	}
	if _, err := c.CoreV1().Secrets("shop").Create(ctx, pullSecret("regcred", dockerConfigJSON("r.example=alice")), metav1.CreateOptions{}); err != nil {
		t.Fatalf("creating a secret: %v", err)
	}
	if got := c.read(t, shopPod("regcred"), false); len(got.Missing) != 0 {
		t.Errorf("a secret that was just created is still missing")
	}
	if err := c.CoreV1().Secrets("shop").Delete(ctx, "regcred", metav1.DeleteOptions{}); err != nil {
		t.Fatalf("deleting a secret: %v", err)
	}
	if got := c.read(t, shopPod("regcred"), true); len(got.Missing) != 1 {
		t.Errorf("a secret that was just deleted is not missing in a fresh set")
	}
	if got := c.read(t, shopPod("regcred"), false); len(got.Missing) != 1 || got.FromCache {
		t.Errorf("a secret that was found missing is still cached")
	}
}

func TestSourceDoesNotCacheErrors(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
	failing := true
	c.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return failing, nil, context.DeadlineExceeded
	})
	if got := c.read(t, shopPod("regcred"), false); len(got.Unreadable) != 1 {
		t.Fatalf("Unreadable = %v, want one problem", got.Unreadable)
	}
	failing = false
	if got := c.read(t, shopPod("regcred"), false); len(got.Unreadable) != 0 {
		t.Errorf("Unreadable = %v after the API server is back, want none", got.Unreadable)
	}
	failing = true
	if got := c.read(t, shopPod("regcred"), false); len(got.Unreadable) != 0 || !got.FromCache {
		t.Errorf("Unreadable = %v, FromCache = %t, want the cached secret", got.Unreadable, got.FromCache)
	}
	if got := c.read(t, shopPod("regcred"), true); len(got.Unreadable) != 1 {
		t.Errorf("Unreadable = %v in a fresh set, want one problem", got.Unreadable)
	}
}

func TestSourceReadsOnlyWhatIsNotCached(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", dockerConfigJSON("r.example=alice")), pullSecret("two", dockerConfigJSON("r.example=bob")))
	c.read(t, shopPod("one"), false)
	c.ClearActions()
	got := c.read(t, shopPod("one", "two"), false)
	if diff := cmp.Diff([]string{"get secrets shop two"}, c.reads()); diff != "" || !got.FromCache {
		t.Errorf("FromCache = %t, reads (-want +got):\n%s", got.FromCache, diff)
	}
}

func TestSourceIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", dockerConfigJSON("r.example=alice")), pullSecret("two", dockerConfigJSON("r.example=bob")))
	var pods sync.WaitGroup
	for i := range 16 {
		pods.Go(func() {
			got := c.read(t, shopPod("one", "two", "gone"), i%2 == 0)
			if diff := cmp.Diff([]string{"alice", "bob"}, users(got, "r.example/app")); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
		})
	}
	pods.Wait()
}

func TestSourceCachesServiceAccounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after time.Duration
		fresh bool
		reads []string
	}{
		"immediately":            {0, false, nil},
		"at the maximum age":     {maxAge, false, []string{"get secrets shop two", "get serviceaccounts shop builder"}},
		"immediately, but fresh": {0, true, []string{"get secrets shop two", "get serviceaccounts shop builder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, pullSecret("one", dockerConfigJSON("r.example=alice")), pullSecret("two", dockerConfigJSON("r.example=bob")), account("one"))
			first := c.read(t, accountPod(), false)
			if _, err := c.CoreV1().ServiceAccounts("shop").Update(t.Context(), account("two"), metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.ClearActions()
			c.advance(test.after)

			got := c.read(t, accountPod(), test.fresh)
			fromCache := test.reads == nil
			if got.FromCache != fromCache || got.Equal(first) != fromCache {
				t.Errorf("FromCache = %t, equal to the first set: %t; want %t", got.FromCache, got.Equal(first), fromCache)
			}
			if diff := cmp.Diff(test.reads, c.reads()); diff != "" {
				t.Errorf("reads (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourceDeletesMissingServiceAccountsFromTheCache(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", dockerConfigJSON("r.example=alice")), account("one"))
	c.read(t, accountPod(), false)
	if err := c.CoreV1().ServiceAccounts("shop").Delete(t.Context(), "builder", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, fresh := range []bool{true, false} {
		if got := users(c.read(t, accountPod(), fresh), "r.example/app"); !cmp.Equal(got, anonymous()) {
			t.Errorf("fresh %t: users = %v, want %v", fresh, got, anonymous())
		}
	}
}

// A secret may just have been added to a service account that lists none.
func TestSourceReportsACachedServiceAccountWithoutSecrets(t *testing.T) {
	t.Parallel()
	c := newCluster(t, account())
	for _, want := range []bool{false, true} {
		if got := c.read(t, accountPod(), false); got.FromCache != want {
			t.Errorf("FromCache = %t, want %t", got.FromCache, want)
		}
	}
}
