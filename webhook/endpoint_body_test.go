package webhook_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// A tenant must not end the process with a review. It measures what the process allocates for each of these bodies.
func TestHostileReviewsTakeBoundedMemory(t *testing.T) {
	const bound = 128 << 20 // bytes, with what the garbage collector would free in the meantime
	review := func(object string) string {
		return `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","namespace":"shop","operation":"CREATE",` +
			`"kind":{"version":"v1","kind":"Pod"},"resource":{"version":"v1","resource":"pods"},"object":` + object + `}}`
	}
	repeated := func(before, text, after string, size int) string {
		return review(before + strings.Repeat(text, size/len(text)) + after)
	}
	const most = 1 << 20 // enough to exceed the bound many times, and decoded in seconds if no bound prevents it
	tests := map[string]string{
		"600 kB of nested arrays": `{"request":` + strings.Repeat("[", 600<<10),
		"600 kB of nested YAML":   strings.Repeat("- ", 300<<10),
		"600 kB of containers":    repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", 600<<10),
		"many containers":         repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", most),
		"containers at the bound": repeated(`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[`, "{},", "{}]}}", 3*70_000),
		"many nested templates":   repeated(`{"apiVersion":"v1","kind":"Pod","spec":`, `{"template":{"spec":`, "", most),
		"a map at the bound":      review(`{"apiVersion":"v1","kind":"Pod","spec":{"nodeSelector":{` + manyMembers(350_000) + `}}}`),
		"many groups": `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","userInfo":{"groups":[` +
			strings.Repeat(`"",`, most/3) + `""]}}}`,
		"many labels": strings.Replace(review(`{"metadata":{"labels":{`+manyMembers(350_000)+`}}}`), `"kind":"Pod"`, `"kind":"Namespace"`, 1),
	}
	f := newFixture(policy.ModeEnforce)
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			f.serve(t, webhook.Path, "application/json", body)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > bound {
				t.Errorf("allocated %d MiB for a body of %d kB, want at most %d MiB", got>>20, len(body)>>10, bound>>20)
			} else {
				t.Logf("allocated %d MiB for a body of %d kB", got>>20, len(body)>>10)
			}
		})
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%x":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// slowBody is a body that ends only after the test.
type slowBody struct{ started, end chan struct{} }

func (b slowBody) Read(p []byte) (int, error) {
	select {
	case b.started <- struct{}{}:
		return copy(p, "{"+strings.Repeat(" ", len(p)-1)), nil
	case <-b.end:
		return 0, io.EOF
	}
}

// Large bodies that are read at the same time share a bound. A review that gets no place in its budget is admitted.
func TestReviewWithoutMemoryIsAdmittedWithinTheBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(policy.ModeEnforce)
		endpoint := webhook.Endpoint(f.handler)
		serve := func(body io.Reader, length int64) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path+"?timeout=3s", body)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			endpoint.ServeHTTP(recorder, r)
			return recorder
		}
		end := make(chan struct{})
		for range 4 {
			started := make(chan struct{})
			go serve(slowBody{started, end}, 7<<20)
			<-started
		}
		synctest.Wait()
		if used := endpoint.Bodies.Used(); used != 4*7<<20 || used != endpoint.Bodies.Limit {
			t.Errorf("bodies use %d of %d bytes, want all", used, endpoint.Bodies.Limit)
		}
		body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(absent))})
		body += strings.Repeat(" ", 1<<20)
		unread := strings.NewReader(body)
		start := time.Now()
		got := serve(unread, int64(len(body)))
		if elapsed := time.Since(start); elapsed != 2*time.Second {
			t.Errorf("the response took %s, want the budget of 2 s", elapsed)
		}
		if !strings.Contains(got.Body.String(), "pullgate could not check the images: too many requests at the same time") {
			t.Errorf("response = %s, want a warning", got.Body)
		}
		if unread.Len() != 0 {
			t.Errorf("%d bytes are unread, want none: the API server may lose the response", unread.Len())
		}
		wantObserved(t, f, webhook.CauseLoad)
		close(end)
		synctest.Wait()
		got = serve(strings.NewReader(body), int64(len(body)))
		if !strings.Contains(got.Body.String(), `"allowed":false`) {
			t.Errorf("response = %s, want a denial when there is memory again", got.Body)
		}
		if bodies, decoding := endpoint.Bodies.Used(), endpoint.Decoding.Used(); bodies != 0 || decoding != 0 {
			t.Errorf("bodies use %d bytes and decoding %d after the last response, want none", bodies, decoding)
		}
	})
}

// A check takes seconds at a slow registry. It must not take the memory of other reviews.
func TestChecksTakeNoPlaceOfBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(policy.ModeEnforce)
		end := make(chan struct{})
		running := 0
		f.handler.Checker = checkerFunc(func(context.Context, imagepull.Pod, *corev1.PodSpec) []imagepull.Finding {
			running++
			<-end
			return nil
		})
		endpoint := webhook.Endpoint(f.handler)
		pod := podWith(map[string]any{"annotations": map[string]any{"a": strings.Repeat("x", 1<<20)}}, good)
		body := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", pod)})
		for range 40 {
			go func() {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, strings.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				endpoint.ServeHTTP(httptest.NewRecorder(), r)
			}()
			synctest.Wait()
		}
		if running != 40 {
			t.Errorf("%d checks run, want 40", running)
		}
		close(end)
	})
}

// The API server may lose a response that comes before it has sent its body.
func TestLargeBodyIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	text := encode(map[string]any{"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": create("Pod", podOf(absent))}) +
		strings.Repeat(" ", 8<<20)
	for name, length := range map[string]int64{"with its length": int64(len(text)), "in chunks": -1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.NewReader(text)
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, body)
			r.ContentLength = length
			r.Header.Set("Content-Type", "application/json")
			recorder := httptest.NewRecorder()
			webhook.Endpoint(newFixture(policy.ModeEnforce).handler).ServeHTTP(recorder, r)
			if !strings.Contains(recorder.Body.String(), "the request is larger than 7 MiB") || body.Len() != 0 {
				t.Errorf("response = %s with %d bytes unread, want a warning and none", recorder.Body, body.Len())
			}
		})
	}
}

// A slow client loses its connection, so that its body takes no memory for long. The response comes within the budget.
func TestSlowBodyLosesItsConnection(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{"?timeout=10s": 2 * time.Second, "?timeout=2s": time.Second} {
		t.Run(query, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(policy.ModeEnforce)
				recorder := deadlines{httptest.NewRecorder(), &[]time.Time{}}
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path+query, strings.NewReader("{}"))
				r.Header.Set("Content-Type", "application/json")
				webhook.Endpoint(f.handler).ServeHTTP(recorder, r)
				limit := time.Now().Add(want) // the clock of the test stands still
				if diff := cmp.Diff([]time.Time{limit, limit, {}}, *recorder.set); diff != "" {
					t.Errorf("deadlines for the head, for the body and after it (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// The review of an API server may be slow, for example on a node that is overloaded.
func TestSlowReviewIsAdmitted(t *testing.T) {
	t.Parallel()
	text := encode(map[string]any{
		"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
		"request": create("Pod", podWith(map[string]any{"annotations": map[string]any{"a": strings.Repeat("x", 8<<10)}}, absent)),
	})
	for name, test := range map[string]struct {
		arrived int
		status  int
	}{
		"after its start":  {8 << 10, http.StatusOK},
		"within its start": {1 << 10, http.StatusOK},
		"before its UID":   {10, http.StatusBadRequest},
		"without a byte":   {0, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			late := iotest.ErrReader(&net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded})
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, webhook.Path, io.MultiReader(strings.NewReader(text[:test.arrived]), late))
			r.ContentLength = int64(len(text))
			r.Header.Set("Content-Type", "application/json")
			got := httptest.NewRecorder()
			webhook.Endpoint(f.handler).ServeHTTP(got, r)
			if got.Code != test.status {
				t.Fatalf("status %d, want %d", got.Code, test.status)
			}
			if test.status != http.StatusOK {
				return
			}
			want := []string{"pullgate could not check the images: the request took too long to arrive"}
			if response := decodeResponse(t, got.Body.Bytes()); !response.Allowed || !slices.Equal(response.Warnings, want) {
				t.Errorf("allowed: %t, warnings %q; want %q", response.Allowed, response.Warnings, want)
			}
			wantObserved(t, f, webhook.CauseLoad)
		})
	}
}

// deadlines is a ResponseWriter that records its read deadlines.
type deadlines struct {
	*httptest.ResponseRecorder
	set *[]time.Time
}

func (d deadlines) SetReadDeadline(deadline time.Time) error {
	*d.set = append(*d.set, deadline)
	return nil
}
