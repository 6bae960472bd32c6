package credentials

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

func TestSourceRemembers(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after      time.Duration
		fresh      bool
		user       string
		remembered bool
	}{
		"at once":                 {0, false, "alice", true},
		"just before the end":     {memoryTTL - time.Nanosecond, false, "alice", true},
		"at the end":              {memoryTTL, false, "bob", false},
		"long after":              {time.Hour, false, "bob", false},
		"at once, but fresh":      {0, true, "bob", false},
		"long after, but fresh":   {time.Hour, true, "bob", false},
		"clock that was put back": {-time.Second, false, "alice", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, pullSecret("regcred", config("r.example=alice")))
			first := c.source.Credentials(t.Context(), shopPod("regcred"), false)
			if first.Remembered {
				t.Error("the first set is remembered, want it read")
			}
			c.store(t, pullSecret("regcred", config("r.example=bob")))
			c.pass(test.after)

			got := c.source.Credentials(t.Context(), shopPod("regcred"), test.fresh)
			if got.Remembered != test.remembered {
				t.Errorf("Remembered = %t, want %t", got.Remembered, test.remembered)
			}
			if diff := cmp.Diff([]string{test.user}, users(candidates(got, "r.example/app"))); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if asked := len(c.reads()) > 0; asked == test.remembered {
				t.Errorf("asked the API server: %t, want %t", asked, !test.remembered)
			}
			if got.Equal(first) != test.remembered {
				t.Errorf("equal to the first set: %t, want %t", got.Equal(first), test.remembered)
			}
		})
	}
}

func TestSourceFreshAnswerIsRemembered(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", `{"auths": {"r.example": {"auth": "!"}}}`))
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), false); len(got.Invalid) != 1 {
		t.Fatalf("Invalid = %v, want one problem", got.Invalid)
	}
	c.store(t, pullSecret("regcred", config("r.example=alice")))
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), false); len(got.Invalid) != 1 || !got.Remembered {
		t.Errorf("Invalid = %v, Remembered = %t, want the remembered problem", got.Invalid, got.Remembered)
	}
	fresh := c.source.Credentials(t.Context(), shopPod("regcred"), true)
	again := c.source.Credentials(t.Context(), shopPod("regcred"), false)
	if len(fresh.Invalid) != 0 || !again.Remembered || !again.Equal(fresh) {
		t.Errorf("Invalid = %v, then %v; want neither, and the second remembered", fresh.Invalid, again.Invalid)
	}
}

func TestSourceRemembersBySecret(t *testing.T) {
	t.Parallel()
	elsewhere := pullSecret("regcred", config("r.example=bob"))
	elsewhere.Namespace = "other"
	c := newCluster(t, pullSecret("regcred", config("r.example=alice")), elsewhere)
	c.source.Credentials(t.Context(), shopPod("regcred"), false)
	got := c.source.Credentials(t.Context(), imagepull.Pod{Namespace: "other", PullSecrets: []string{"regcred"}}, false)
	if diff := cmp.Diff([]string{"bob"}, users(candidates(got, "r.example/app"))); diff != "" || got.Remembered {
		t.Errorf("the namespaces share a secret (-want +got):\n%s", diff)
	}
}

func TestSourceForgets(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := newCluster(t)
	if got := c.source.Credentials(ctx, shopPod("regcred"), false); len(got.Missing) != 1 {
		t.Fatalf("Missing = %v, want regcred", got.Missing)
	}
	if _, err := c.CoreV1().Secrets("shop").Create(ctx, pullSecret("regcred", config("r.example=alice")), metav1.CreateOptions{}); err != nil {
		t.Fatalf("creating a secret: %v", err)
	}
	if got := c.source.Credentials(ctx, shopPod("regcred"), false); len(got.Missing) != 0 {
		t.Errorf("a secret created a moment ago is still missing")
	}
	if err := c.CoreV1().Secrets("shop").Delete(ctx, "regcred", metav1.DeleteOptions{}); err != nil {
		t.Fatalf("deleting a secret: %v", err)
	}
	if got := c.source.Credentials(ctx, shopPod("regcred"), true); len(got.Missing) != 1 {
		t.Errorf("a secret deleted a moment ago is not missing, though asked for afresh")
	}
	if got := c.source.Credentials(ctx, shopPod("regcred"), false); len(got.Missing) != 1 || got.Remembered {
		t.Errorf("a secret known to be deleted is still remembered")
	}
}

func TestSourceErrorsAreNotRemembered(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("regcred", config("r.example=alice")))
	failing := true
	c.PrependReactor("get", "secrets", func(clienttesting.Action) (bool, runtime.Object, error) {
		return failing, nil, context.DeadlineExceeded
	})
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), false); len(got.Unreadable) != 1 {
		t.Fatalf("Unreadable = %v, want one problem", got.Unreadable)
	}
	failing = false
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), false); len(got.Unreadable) != 0 {
		t.Errorf("Unreadable = %v after the API server is back, want none", got.Unreadable)
	}
	failing = true
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), false); len(got.Unreadable) != 0 || !got.Remembered {
		t.Errorf("Unreadable = %v, Remembered = %t, want the remembered secret", got.Unreadable, got.Remembered)
	}
	if got := c.source.Credentials(t.Context(), shopPod("regcred"), true); len(got.Unreadable) != 1 {
		t.Errorf("Unreadable = %v when asked afresh, want one problem", got.Unreadable)
	}
}

func TestSourcePartlyRemembered(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", config("r.example=alice")), pullSecret("two", config("r.example=bob")))
	c.source.Credentials(t.Context(), shopPod("one"), false)
	c.ClearActions()
	got := c.source.Credentials(t.Context(), shopPod("one", "two"), false)
	if diff := cmp.Diff([]string{"get secrets shop two"}, c.reads()); diff != "" || !got.Remembered {
		t.Errorf("Remembered = %t, reads (-want +got):\n%s", got.Remembered, diff)
	}
}

func TestSourceConcurrently(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", config("r.example=alice")), pullSecret("two", config("r.example=bob")))
	var pods sync.WaitGroup
	for i := range 16 {
		pods.Go(func() {
			got := c.source.Credentials(t.Context(), shopPod("one", "two", "gone"), i%2 == 0)
			if diff := cmp.Diff([]string{"alice", "bob"}, users(candidates(got, "r.example/app"))); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
		})
	}
	pods.Wait()
}

// TestSourceRemembersServiceAccounts as it does secrets, for the same reasons.
func TestSourceRemembersServiceAccounts(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after time.Duration
		fresh bool
		reads []string
	}{
		"at once":            {0, false, nil},
		"at the end":         {memoryTTL, false, []string{"get secrets shop two", "get serviceaccounts shop builder"}},
		"at once, but fresh": {0, true, []string{"get secrets shop two", "get serviceaccounts shop builder"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, pullSecret("one", config("r.example=alice")), pullSecret("two", config("r.example=bob")), account("one"))
			pod := imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"}
			first := c.source.Credentials(t.Context(), pod, false)
			if _, err := c.CoreV1().ServiceAccounts("shop").Update(t.Context(), account("two"), metav1.UpdateOptions{}); err != nil {
				t.Fatal(err)
			}
			c.ClearActions()
			c.pass(test.after)

			got := c.source.Credentials(t.Context(), pod, test.fresh)
			remembered := test.reads == nil
			if got.Remembered != remembered || got.Equal(first) != remembered {
				t.Errorf("Remembered = %t, equal to the first set: %t; want %t", got.Remembered, got.Equal(first), remembered)
			}
			if diff := cmp.Diff(test.reads, c.reads()); diff != "" {
				t.Errorf("reads (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSourceForgetsServiceAccounts that are found to be gone.
func TestSourceForgetsServiceAccounts(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", config("r.example=alice")), account("one"))
	pod := imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"}
	c.source.Credentials(t.Context(), pod, false)
	if err := c.CoreV1().ServiceAccounts("shop").Delete(t.Context(), "builder", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, fresh := range []bool{true, false} {
		if got := users(candidates(c.source.Credentials(t.Context(), pod, fresh), "r.example/app")); !cmp.Equal(got, nobody) {
			t.Errorf("fresh %t: users = %v, want %v", fresh, got, nobody)
		}
	}
}

// TestSourceTellsOfARememberedServiceAccount even if it lists nothing: the secret may have been added a moment ago.
func TestSourceTellsOfARememberedServiceAccount(t *testing.T) {
	t.Parallel()
	c := newCluster(t, account())
	pod := imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"}
	for _, remembered := range []bool{false, true} {
		if got := c.source.Credentials(t.Context(), pod, false); got.Remembered != remembered {
			t.Errorf("Remembered = %t, want %t", got.Remembered, remembered)
		}
	}
}
