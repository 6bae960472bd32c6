package secrets

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

	"github.com/pullgate/pullgate/webhook/credentials"
)

func TestSourceReportsUnreadableObjects(t *testing.T) {
	t.Parallel()
	secrets := schema.GroupResource{Resource: "secrets"}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"forbidden":          {apierrors.NewForbidden(secrets, "regcred", errors.New(password)), "no right to get it (RBAC)"},
		"unauthorized":       {apierrors.NewUnauthorized(password), "the API server did not authenticate Pullgate"},
		"too many requests":  {apierrors.NewTooManyRequests(password, 1), "the API server is busy"},
		"timeout":            {apierrors.NewTimeoutError(password, 1), "timed out"},
		"server timeout":     {apierrors.NewServerTimeout(secrets, "get", 1), "timed out"},
		"deadline":           {fmt.Errorf("reading: %w", context.DeadlineExceeded), "timed out"},
		"canceled":           {fmt.Errorf("reading: %w", context.Canceled), "canceled"},
		"internal error":     {apierrors.NewInternalError(errors.New(password)), "the API server did not respond"},
		"connection refused": {errors.New("dial tcp 10.0.0.1:443: connect: connection refused"), "the API server did not respond"},
		"slow network":       {&slowNetworkError{}, "timed out"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, pullSecret("regcred", dockerConfigJSON("r.example=alice")), account("regcred"))
			c.fail("secrets", test.err)
			want := credentials.Set{Unreadable: problems(`pull secret "regcred"`, test.want)}
			if diff := diffSets(want, c.source.Credentials(t.Context(), shopPod("regcred"))); diff != "" {
				t.Errorf("secret (-want +got):\n%s", diff)
			}
			c.fail("serviceaccounts", test.err)
			want = credentials.Set{Unreadable: problems(`service account "builder"`, test.want)}
			if diff := diffSets(want, c.source.Credentials(t.Context(), accountPod())); diff != "" {
				t.Errorf("service account (-want +got):\n%s", diff)
			}
		})
	}
}

// slowNetworkError is a timeout of the connection.
type slowNetworkError struct{}

func (*slowNetworkError) Error() string   { return "i/o timeout" }
func (*slowNetworkError) Timeout() bool   { return true }
func (*slowNetworkError) Temporary() bool { return true }

func TestSourceUsesTheSecretsBesideAnUnreadableOne(t *testing.T) {
	t.Parallel()
	c := newCluster(t, pullSecret("one", dockerConfigJSON("r.example=alice")), pullSecret("two", dockerConfigJSON("r.example=bob")))
	c.PrependReactor("get", "secrets", func(action clienttesting.Action) (bool, runtime.Object, error) {
		get, ok := action.(clienttesting.GetAction)
		return ok && get.GetName() == "one", nil, context.DeadlineExceeded
	})
	got := c.source.Credentials(t.Context(), shopPod("one", "two"))
	if diff := diffSets(credentials.Set{Unreadable: problems(`pull secret "one"`, "timed out")}, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"bob"}, users(got, "r.example/app")); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
}

func TestSourceBoundsTheSecretsOfAPod(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range maxSecrets + 10 {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	c := newCluster(t)
	got := c.source.Credentials(t.Context(), shopPod(names...))
	want := credentials.Set{Missing: names[:maxSecrets], Unreadable: problems(`pull secret "s64" and those after it`, "only the first 64 pull secrets of a pod are read")}
	if diff := diffSets(want, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
	if reads := len(c.reads()); reads != maxSecrets {
		t.Errorf("%d requests, want %d", reads, maxSecrets)
	}
	got = c.source.Credentials(t.Context(), shopPod(names[:maxSecrets]...))
	if len(got.Unreadable) != 0 {
		t.Errorf("Unreadable = %v for the largest allowed number, want none", got.Unreadable)
	}
}

// newHTTPSource returns a Source that reads from an HTTP handler.
func newHTTPSource(t *testing.T, handler http.HandlerFunc) *Source {
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
	s := newHTTPSource(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	got := s.Credentials(ctx, shopPod("one", "two"))
	want := credentials.Set{Unreadable: append(problems(`pull secret "one"`, "timed out"), problems(`pull secret "two"`, "timed out")...)}
	if diff := diffSets(want, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
}

func TestSourceReadsInParallel(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	together := make(chan struct{})
	s := newHTTPSource(t, func(w http.ResponseWriter, r *http.Request) {
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
	got := s.Credentials(ctx, shopPod("one", "two"))
	if diff := diffSets(credentials.Set{Missing: []string{"one", "two"}}, got); diff != "" {
		t.Errorf("Credentials() (-want +got):\n%s", diff)
	}
}
