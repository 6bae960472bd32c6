package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	clienttesting "k8s.io/client-go/testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestSourceUnreadable(t *testing.T) {
	t.Parallel()
	secrets := schema.GroupResource{Resource: "secrets"}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"forbidden":            {apierrors.NewForbidden(secrets, "regcred", errors.New(password)), "forbidden"},
		"unauthorized":         {apierrors.NewUnauthorized(password), "the API server does not know Pullgate's account"},
		"too many requests":    {apierrors.NewTooManyRequests(password, 1), "the API server is busy"},
		"timeout":              {apierrors.NewTimeoutError(password, 1), "timed out"},
		"server timeout":       {apierrors.NewServerTimeout(secrets, "get", 1), "timed out"},
		"deadline":             {fmt.Errorf("reading: %w", context.DeadlineExceeded), "timed out"},
		"canceled":             {fmt.Errorf("reading: %w", context.Canceled), "canceled"},
		"internal error":       {apierrors.NewInternalError(errors.New(password)), "the API server did not answer"},
		"connection refused":   {errors.New("dial tcp 10.0.0.1:443: connect: connection refused"), "the API server did not answer"},
		"network that is slow": {&slowNetworkError{}, "timed out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, pullSecret("regcred", config("r.example=alice")), account("regcred"))
			c.fail("secrets", test.err)
			want := Set{Unreadable: []Problem{{`pull secret "regcred"`, test.want}}}
			if diff := diffSets(want, c.source.Credentials(t.Context(), shopPod("regcred"), false)); diff != "" {
				t.Errorf("secret (-want +got):\n%s", diff)
			}
			c.fail("serviceaccounts", test.err)
			want = Set{Unreadable: []Problem{{`service account "builder"`, test.want}}}
			pod := imagepull.Pod{Namespace: "shop", ServiceAccount: "builder"}
			if diff := diffSets(want, c.source.Credentials(t.Context(), pod, false)); diff != "" {
				t.Errorf("service account (-want +got):\n%s", diff)
			}
		})
	}
}

// slowNetworkError is an error of the connection.
type slowNetworkError struct{}

func (*slowNetworkError) Error() string   { return "i/o timeout" }
func (*slowNetworkError) Timeout() bool   { return true }
func (*slowNetworkError) Temporary() bool { return true }

func TestSourceOneUnreadableSecretHidesNoOther(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", config("r.example=alice")), pullSecret("two", config("r.example=bob")))
	c.PrependReactor("get", "secrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		get, ok := action.(clienttesting.GetAction)
		return ok && get.GetName() == "one", nil, context.DeadlineExceeded
	})
	got := c.source.Credentials(t.Context(), shopPod("one", "two"), false)
	if diff := diffSets(Set{Unreadable: []Problem{{`pull secret "one"`, "timed out"}}}, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bob"}, users(candidates(got, "r.example/app"))); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestSourceReadsABoundedNumber(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range maxSecrets + 10 {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	c := newCluster(t)
	got := c.source.Credentials(t.Context(), shopPod(names...), false)
	want := Set{Missing: names[:maxSecrets], Unreadable: []Problem{{
		`pull secret "s64" and those after it`, "only the first 64 pull secrets of a pod are read",
	}}}
	if diff := diffSets(want, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
	if reads := len(c.reads()); reads != maxSecrets {
		t.Errorf("asked %d times, want %d", reads, maxSecrets)
	}
	got = c.source.Credentials(t.Context(), shopPod(names[:maxSecrets]...), false)
	if len(got.Unreadable) != 0 {
		t.Errorf("Unreadable = %v for as many as are allowed, want none", got.Unreadable)
	}
}

// remote returns a source that reads over HTTP from a handler.
func remote(t *testing.T, handler http.HandlerFunc) *Source {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	client, err := corev1client.NewForConfig(&rest.Config{Host: server.URL, QPS: -1})
	if err != nil {
		t.Fatalf("NewForConfig() error = %v, want none", err)
	}
	s, err := NewSource(Options{Client: client})
	if err != nil {
		t.Fatalf("NewSource() error = %v, want none", err)
	}
	return s
}

func TestSourceRespectsTheDeadline(t *testing.T) {
	t.Parallel()
	s := remote(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	got := s.Credentials(ctx, shopPod("one", "two"), false)
	want := Set{Unreadable: []Problem{{`pull secret "one"`, "timed out"}, {`pull secret "two"`, "timed out"}}}
	if diff := diffSets(want, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
}

func TestSourceReadsInParallel(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	together := make(chan struct{})
	s := remote(t, func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == 2 {
			close(together)
		}
		select {
		case <-together:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}`))
	})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	got := s.Credentials(ctx, shopPod("one", "two"), false)
	if diff := diffSets(Set{Missing: []string{"one", "two"}}, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
}
