package secrets

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

func TestSourceServesACachedSecretWhileItIsReadAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		after     time.Duration
		fresh     bool
		user      string // of the set
		nextUser  string // of the set of the next pod
		fromCache bool
		reads     int
	}{
		"immediately":                 {0, false, "alice", "alice", true, 0},
		"just before the first read":  {freshFor - 1, false, "alice", "alice", true, 0},
		"at the first read":           {freshFor, false, "alice", "bob", true, 1},
		"just before the maximum age": {maxAge - 1, false, "alice", "bob", true, 1},
		"at the maximum age":          {maxAge, false, "bob", "bob", false, 1},
		"long after":                  {time.Hour, false, "bob", "bob", false, 1},
		"immediately, but fresh":      {0, true, "bob", "bob", false, 1},
		"older, but fresh":            {freshFor, true, "bob", "bob", false, 1},
		"long after, but fresh":       {time.Hour, true, "bob", "bob", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newLiveCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
				if first := c.read(t, shopPod("regcred"), false); first.FromCache {
					t.Error("the first set is from the cache, want it read")
				}
				c.store(t, pullSecret("regcred", dockerConfigJSON("r.example=bob")))
				time.Sleep(test.after)

				got := c.read(t, shopPod("regcred"), test.fresh)
				if got.FromCache != test.fromCache {
					t.Errorf("FromCache = %t, want %t", got.FromCache, test.fromCache)
				}
				if diff := cmp.Diff([]string{test.user}, users(got, "r.example/app")); diff != "" {
					t.Errorf("users (-want +got):\n%s", diff)
				}
				synctest.Wait()
				if reads := len(c.reads()); reads != test.reads {
					t.Errorf("%d reads, want %d", reads, test.reads)
				}
				next := c.read(t, shopPod("regcred"), false)
				if diff := cmp.Diff([]string{test.nextUser}, users(next, "r.example/app")); diff != "" || !next.FromCache {
					t.Errorf("the next pod: FromCache = %t, users (-want +got):\n%s", next.FromCache, diff)
				}
			})
		})
	}
}

func TestSourceServesACachedServiceAccountWhileItIsReadAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newLiveCluster(t, account("one"), pullSecret("one", dockerConfigJSON("r.example=alice")), pullSecret("two", dockerConfigJSON("r.example=bob")))
		c.read(t, accountPod(), false)
		if _, err := c.CoreV1().ServiceAccounts("shop").Update(t.Context(), account("two"), metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(freshFor)
		for _, want := range []string{"alice", "bob"} {
			if diff := cmp.Diff([]string{want}, users(c.read(t, accountPod(), false), "r.example/app")); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			synctest.Wait()
		}
	})
}

// The response to a read in the background decides what the next pod gets.
func TestSourceAppliesTheResponseToAReadInTheBackground(t *testing.T) {
	t.Parallel()
	resource := schema.GroupResource{Resource: "secrets"}
	for name, test := range map[string]struct {
		err       error
		fromCache bool // of the set of the next pod
		missing   []string
		detail    string // of the unreadable secret
	}{
		"deleted":                   {apierrors.NewNotFound(resource, "regcred"), false, []string{"regcred"}, ""},
		"forbidden":                 {apierrors.NewForbidden(resource, "regcred", nil), false, nil, "no right to get it (RBAC)"},
		"the API server is busy":    {apierrors.NewTooManyRequestsError("busy"), true, nil, ""},
		"not authenticated":         {apierrors.NewUnauthorized("expired"), true, nil, ""},
		"the API server is away":    {context.DeadlineExceeded, true, nil, ""},
		"the API server has failed": {apierrors.NewInternalError(context.Canceled), true, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newLiveCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
				c.read(t, shopPod("regcred"), false)
				c.fail("secrets", test.err)
				time.Sleep(freshFor)
				if got := users(c.read(t, shopPod("regcred"), false), "r.example/app"); !cmp.Equal(got, []string{"alice"}) {
					t.Errorf("users during the read = %v, want alice", got)
				}
				synctest.Wait()
				got := c.read(t, shopPod("regcred"), false)
				if got.FromCache != test.fromCache || !cmp.Equal(got.Missing, test.missing) {
					t.Errorf("FromCache = %t, Missing = %v; want %t, %v", got.FromCache, got.Missing, test.fromCache, test.missing)
				}
				if len(got.Unreadable) > 0 && got.Unreadable[0].Detail != test.detail || (len(got.Unreadable) > 0) != (test.detail != "") {
					t.Errorf("Unreadable = %v, want %q", got.Unreadable, test.detail)
				}
				time.Sleep(maxAge - freshFor)
				if got := c.read(t, shopPod("regcred"), false); got.FromCache {
					t.Error("a secret is served without a read after the maximum age")
				}
			})
		})
	}
}

// blockingClient is a Client whose reads of secrets wait for their context, or for release.
type blockingClient struct {
	Client
	corev1client.SecretInterface
	started chan string // receives the name of each read
	release chan struct{}
}

func (b *blockingClient) Secrets(namespace string) corev1client.SecretInterface {
	return &blockingClient{Client: b.Client, SecretInterface: b.Client.Secrets(namespace), started: b.started, release: b.release}
}

func (b *blockingClient) Get(ctx context.Context, name string, o metav1.GetOptions) (*corev1.Secret, error) {
	b.started <- name
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-b.release:
		return b.SecretInterface.Get(ctx, name, o)
	}
}

// newBlockingCluster returns a cluster with n cached secrets, whose reads in the background block.
func newBlockingCluster(t *testing.T, n int) (c *cluster, client *blockingClient, names []string) {
	t.Helper()
	var objects []runtime.Object
	for i := range n {
		names = append(names, fmt.Sprint("regcred-", i))
		objects = append(objects, pullSecret(names[i], dockerConfigJSON("r.example=alice")))
	}
	c = newLiveCluster(t, objects...)
	for _, name := range names {
		c.read(t, shopPod(name), false)
	}
	client = &blockingClient{Client: c.CoreV1(), started: make(chan string, 2*n), release: make(chan struct{})}
	c.source.client = client
	time.Sleep(freshFor)
	return c, client, names
}

func TestSourceStartsOneReadOfASecretInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, client, _ := newBlockingCluster(t, 1)
		pod := shopPod("regcred-0")
		read := func() {
			for range 3 {
				go c.read(t, pod, false)
			}
			synctest.Wait()
		}
		read()
		time.Sleep(refreshTimeout - 1)
		read()
		if got := len(client.started); got != 1 {
			t.Errorf("%d reads during the first one, want 1", got)
		}
		time.Sleep(time.Nanosecond) // The deadline of the read has passed.
		read()
		if got := len(client.started); got != 1 {
			t.Errorf("%d reads just after a failed one, want 1", got)
		}
		time.Sleep(freshFor)
		read()
		if got := len(client.started); got != 2 {
			t.Errorf("%d reads some time after a failed one, want 2", got)
		}
	})
}

func TestSourceBoundsReadsInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, client, names := newBlockingCluster(t, maxRefreshes+1)
		for _, name := range names {
			if got := c.read(t, shopPod(name), false); !got.FromCache {
				t.Errorf("%s was read while the pod waited", name)
			}
		}
		synctest.Wait()
		if got := len(client.started); got != maxRefreshes {
			t.Errorf("%d simultaneous reads, want %d", got, maxRefreshes)
		}
		close(client.release)
		synctest.Wait()
		c.read(t, shopPod(names[maxRefreshes]), false)
		synctest.Wait()
		if got := len(client.started); got != maxRefreshes+1 {
			t.Errorf("%d reads after a slot is free, want %d", got, maxRefreshes+1)
		}
	})
}

func TestAReadInTheBackgroundOutlivesItsReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, client, _ := newBlockingCluster(t, 1)
		ctx, cancel := context.WithCancel(t.Context())
		c.source.Credentials(ctx, shopPod("regcred-0"))
		cancel()
		synctest.Wait()
		close(client.release)
		synctest.Wait()
		time.Sleep(freshFor - 1)
		if c.read(t, shopPod("regcred-0"), false); len(client.started) != 1 {
			t.Errorf("%d reads, want the first one to have refreshed the secret", len(client.started))
		}
	})
}

// A goroutine that is left would fail the test: synctest waits for all of them.
func TestCloseEndsReadsInTheBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, client, _ := newBlockingCluster(t, 2)
		c.read(t, shopPod("regcred-0"), false)
		synctest.Wait()
		start := time.Now()
		c.source.Close()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("Close() waited %v for a read, want it to end the read", waited)
		}
		if got := c.read(t, shopPod("regcred-1"), false); !got.FromCache {
			t.Error("after Close(), a cached secret is not served")
		}
		synctest.Wait()
		if got := len(client.started); got != 1 {
			t.Errorf("%d reads, want none after Close()", got)
		}
	})
}

func TestAPanicInTheBackgroundIsReportedByTheNextReview(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newLiveCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")))
		c.read(t, shopPod("regcred"), false)
		c.source.secrets.fetch = func(context.Context, types.NamespacedName) (contents, error) { panic("broken") }
		time.Sleep(freshFor)
		c.read(t, shopPod("regcred"), false)
		synctest.Wait()
		defer func() {
			if recover() == nil {
				t.Error("the next review does not panic")
			}
		}()
		c.read(t, shopPod("regcred"), false)
	})
}
