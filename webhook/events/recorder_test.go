package events_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pullgate/pullgate/webhook/events"
)

func TestEventsAreAboutTheControllerOrTheNamespace(t *testing.T) {
	t.Parallel()
	namespace := corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Namespace: "shop", Name: "shop"}
	changed := func(change func(*metav1.OwnerReference)) *metav1.OwnerReference {
		o := replicaSet("web-6d4f")
		change(o)
		return o
	}
	for name, test := range map[string]struct {
		controller *metav1.OwnerReference
		want       corev1.ObjectReference
	}{
		"a controller": {replicaSet("web-6d4f"), corev1.ObjectReference{
			APIVersion: "apps/v1", Kind: "ReplicaSet", Namespace: "shop", Name: "web-6d4f", UID: "uid-of-web-6d4f",
		}},
		"a controller of the core group": {&metav1.OwnerReference{APIVersion: "v1", Kind: "ReplicationController", Name: "web", UID: "1"}, corev1.ObjectReference{
			APIVersion: "v1", Kind: "ReplicationController", Namespace: "shop", Name: "web", UID: "1",
		}},
		"no controller":           {nil, namespace},
		"a long name":             {changed(func(o *metav1.OwnerReference) { o.Name = strings.Repeat("x", 254) }), namespace},
		"a name that is a path":   {changed(func(o *metav1.OwnerReference) { o.Name = "../web" }), namespace},
		"no name":                 {changed(func(o *metav1.OwnerReference) { o.Name = "" }), namespace},
		"a long kind":             {changed(func(o *metav1.OwnerReference) { o.Kind = strings.Repeat("K", 1<<20) }), namespace},
		"a kind with other signs": {changed(func(o *metav1.OwnerReference) { o.Kind = "Replica\x1bSet" }), namespace},
		"a long version":          {changed(func(o *metav1.OwnerReference) { o.APIVersion = strings.Repeat("v", 1<<20) }), namespace},
		"a version with two /":    {changed(func(o *metav1.OwnerReference) { o.APIVersion = "a/b/c" }), namespace},
		"a long UID":              {changed(func(o *metav1.OwnerReference) { o.UID = types.UID(strings.Repeat("1", 65)) }), namespace},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var api apiServer
			api.run(t, func(_ *testing.T, r *events.Recorder) { r.PodDenied("shop", test.controller, message) })
			got := api.created
			if len(got) != 1 {
				t.Fatalf("%d Events, want 1", len(got))
			}
			if diff := cmp.Diff(test.want, got[0].InvolvedObject); diff != "" {
				t.Errorf("object (-want +got):\n%s", diff)
			}
			got[0].InvolvedObject, got[0].Name = corev1.ObjectReference{}, ""
			now := metav1.Time{Time: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)} // of the bubble
			want := &corev1.Event{
				ObjectMeta: metav1.ObjectMeta{Namespace: "shop"}, Type: "Warning", Reason: "PodDenied", Message: message, Count: 1,
				Source: corev1.EventSource{Component: "pullgate"}, ReportingController: "pullgate", FirstTimestamp: now, LastTimestamp: now,
			}
			if diff := cmp.Diff(want, got[0]); diff != "" {
				t.Errorf("Event (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLongMessagesAreCut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ message, want string }{
		"fits":           {strings.Repeat("x", 1024), strings.Repeat("x", 1024)},
		"too long":       {strings.Repeat("x", 1025), strings.Repeat("x", 1021) + "…"},
		"cut in a rune":  {strings.Repeat("ä", 600), strings.Repeat("ä", 510) + "…"},
		"cut at a rune":  {"x" + strings.Repeat("ä", 600), "x" + strings.Repeat("ä", 510) + "…"},
		"not valid UTF8": {strings.Repeat("\xff", 2000), strings.Repeat("\xff", 1021) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var api apiServer
			api.run(t, func(_ *testing.T, r *events.Recorder) { r.PodDenied("shop", nil, test.message) })
			got := api.created
			if len(got) != 1 || got[0].Message != test.want || len(got[0].Message) > 1024 {
				t.Errorf("Events %v, want the message %q", got, test.want)
			}
		})
	}
}

// A ReplicaSet creates its pod again after each denial.
func TestRepeatedDenialsAreOneEvent(t *testing.T) {
	t.Parallel()
	var api apiServer
	api.run(t, func(_ *testing.T, r *events.Recorder) {
		for range 5 {
			r.PodDenied("shop", replicaSet("web"), message)
		}
	})
	if len(api.created) != 1 || len(api.patched) != 4 || api.patched[3].Count != 5 {
		t.Errorf("%d Events created, %d patched: %v; want 1 and 4, with a count of 5 at the end", len(api.created), len(api.patched), api.patched)
	}
}

// A namespace with many denials costs a bounded number of requests, whatever the controllers and messages are, and does not keep out
// the Events of another namespace.
func TestEventsOfANamespaceAreLimited(t *testing.T) {
	t.Parallel()
	var api apiServer
	api.run(t, func(_ *testing.T, r *events.Recorder) {
		deny := func(n int) {
			for i := range n {
				r.PodDenied("flood", replicaSet(fmt.Sprint("web-", i)), fmt.Sprint(message, i))
				synctest.Wait() // the queue is not the subject
			}
		}
		deny(500)
		r.PodDenied("shop", nil, message)
		time.Sleep(time.Minute)
		deny(500)
	})
	counts := map[string]int{}
	for _, event := range append(api.created, api.patched...) {
		counts[event.Namespace]++
	}
	if diff := cmp.Diff(map[string]int{"flood": 25 + 6, "shop": 1}, counts); diff != "" {
		t.Errorf("requests by namespace (-want +got):\n%s", diff)
	}
}

// An API server that does not respond must delay no admission.
func TestASlowAPIServerBlocksNoCaller(t *testing.T) {
	t.Parallel()
	const calls = 5000
	var api apiServer
	api.run(t, func(_ *testing.T, r *events.Recorder) {
		released := make(chan struct{})
		api.receive = func() error { <-released; return nil }
		for i := range calls {
			r.PodDenied(fmt.Sprint("namespace-", i), nil, message) // a blocked call is a deadlock
		}
		close(released)
	})
	if got := len(api.created); got == 0 || got == calls {
		t.Errorf("%d of %d Events are created, want the queue to drop some", got, calls)
	}
}

func TestAFailureOfTheAPIServerIsRetried(t *testing.T) {
	t.Parallel()
	failures := 2
	api := apiServer{receive: func() error {
		if failures--; failures >= 0 {
			return errors.New("connection refused")
		}
		return nil
	}}
	api.run(t, func(_ *testing.T, r *events.Recorder) {
		r.PodDenied("shop", nil, message)
		time.Sleep(time.Minute)
	})
	if got := len(api.created); got != 3 {
		t.Errorf("%d attempts, want 3", got)
	}
}

func TestAClosedRecorderDropsEvents(t *testing.T) {
	t.Parallel()
	var api apiServer
	api.run(t, func(_ *testing.T, r *events.Recorder) {
		r.Close()
		r.PodDenied("shop", nil, message)
	})
	if len(api.created) != 0 {
		t.Errorf("Events %v, want none", api.created)
	}
}
