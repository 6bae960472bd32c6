package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

var (
	errNotCached   = errors.New("not in the cache")
	errUnreachable = errors.New("the API server does not respond")
)

// namespaces is a client.Reader of namespaces with the values of their mode label, or "-" without one.
type namespaces struct {
	labels map[string]string
	err    error
	reads  *[]string
}

func (n namespaces) Get(_ context.Context, key client.ObjectKey, obj client.Object, _ ...client.GetOption) error {
	*n.reads = append(*n.reads, key.String())
	meta, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok || meta.GroupVersionKind() != (schema.GroupVersionKind{Version: "v1", Kind: "Namespace"}) {
		return fmt.Errorf("read of a %T of %s", obj, obj.GetObjectKind().GroupVersionKind())
	}
	label, ok := n.labels[key.Name]
	if !ok {
		return n.err
	}
	if label != "-" {
		meta.Labels = map[string]string{"pullgate.dev/mode": label}
	}
	return nil
}

func (namespaces) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.ErrUnsupported
}

func TestModeComesFromTheLabel(t *testing.T) {
	t.Parallel()
	cached := map[string]string{"strict": "enforce", "plain": "-", "odd": "enforced", "none": "off"}
	live := map[string]string{"strict": "off", "newborn": "audit"}
	tests := map[string]struct {
		namespace string
		want      policy.Mode
		err       error
		live      bool
	}{
		"labelled":                {"strict", policy.ModeEnforce, nil, false},
		"switched off":            {"none", policy.ModeOff, nil, false},
		"unlabelled":              {"plain", policy.ModeAudit, nil, false},
		"label with no such mode": {"odd", policy.ModeWarn, nil, false},
		"not in the cache yet":    {"newborn", policy.ModeAudit, nil, true},
		"unknown to both":         {"gone", "", errUnreachable, true},
		"no namespace":            {"", "", errUnreachable, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cacheReads, liveReads []string
			m := newModes(t, namespaces{cached, errNotCached, &cacheReads}, namespaces{live, errUnreachable, &liveReads})
			got, err := m.Mode(t.Context(), test.namespace)
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("Mode() = %q, %v, want %q, %v", got, err, test.want, test.err)
			}
			if err != nil && !strings.HasPrefix(err.Error(), "reading namespace "+test.namespace+": ") {
				t.Errorf("Mode() error = %q, want it to name the namespace", err)
			}
			if (len(liveReads) > 0) != test.live || len(cacheReads) != 1 {
				t.Errorf("read %q from the cache and %q from the API server, want the latter: %t", cacheReads, liveReads, test.live)
			}
		})
	}
}

// The cluster starts from these namespaces, and Pullgate from its own. A caller must not make Pullgate use their secrets.
func TestSystemNamespacesAreOff(t *testing.T) {
	t.Parallel()
	labels := map[string]string{}
	system := []string{"kube-system", "kube-public", "kube-node-lease", "pullgate-system"}
	for _, name := range system {
		labels[name] = "enforce"
	}
	var reads []string
	m := newModes(t, namespaces{labels, nil, &reads}, namespaces{labels, nil, &reads})
	for _, name := range system {
		if got, err := m.Mode(t.Context(), name); got != policy.ModeOff || err != nil {
			t.Errorf("Mode(%q) = %q, %v; want off", name, got, err)
		}
	}
	if len(reads) != 0 {
		t.Errorf("read %q, want none", reads)
	}
}

// newModes returns NamespaceModes whose namespaces without a label are in mode audit.
func newModes(t *testing.T, cache, live namespaces) *webhook.NamespaceModes {
	t.Helper()
	m, err := webhook.NewNamespaceModes(webhook.NamespaceOptions{
		Cache: cache, Live: live, Unlabelled: policy.ModeAudit, Own: "pullgate-system",
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var errNotFound = apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "made-up")

func TestLiveReadsAreBounded(t *testing.T) {
	t.Parallel()
	const burst, rate = 50, 10
	tests := map[string]struct {
		live   map[string]string
		err    error
		within func(t *testing.T, m *webhook.NamespaceModes, reads *[]string)
	}{
		"an invented namespace is off, and read once in two seconds": {nil, errNotFound,
			func(t *testing.T, m *webhook.NamespaceModes, reads *[]string) {
				t.Helper()
				for range 3 {
					wantMode(t, m, "made-up", policy.ModeOff)
				}
				wantReads(t, reads, 1)
				time.Sleep(2*time.Second + 1)
				wantMode(t, m, "made-up", policy.ModeOff)
				wantReads(t, reads, 2)
			}},
		"a new namespace is read once": {map[string]string{"newborn": "enforce"}, errNotFound,
			func(t *testing.T, m *webhook.NamespaceModes, reads *[]string) {
				t.Helper()
				for range 3 {
					wantMode(t, m, "newborn", policy.ModeEnforce)
				}
				wantReads(t, reads, 1)
			}},
		"many invented namespaces share a rate": {nil, errNotFound,
			func(t *testing.T, m *webhook.NamespaceModes, reads *[]string) {
				t.Helper()
				for i := range burst {
					wantMode(t, m, fmt.Sprintf("made-up-%d", i), policy.ModeOff)
				}
				if mode, err := m.Mode(t.Context(), "one-more"); mode != "" || err == nil {
					t.Errorf("Mode() = %q, %v, want an error", mode, err)
				}
				wantReads(t, reads, burst)
				time.Sleep(time.Second / rate)
				wantMode(t, m, "one-more", policy.ModeOff)
			}},
		"a failed read is repeated": {nil, errUnreachable,
			func(t *testing.T, m *webhook.NamespaceModes, reads *[]string) {
				t.Helper()
				for range 2 {
					if mode, err := m.Mode(t.Context(), "shop"); mode != "" || !errors.Is(err, errUnreachable) {
						t.Errorf("Mode() = %q, %v, want the error of the read", mode, err)
					}
				}
				wantReads(t, reads, 2)
			}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var cached, reads []string
				test.within(t, newModes(t, namespaces{nil, errNotCached, &cached}, namespaces{test.live, test.err, &reads}), &reads)
			})
		})
	}
}

// hanging is a client.Reader that gives no response.
type hanging struct{ client.Reader }

func (hanging) Get(ctx context.Context, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	<-ctx.Done()
	return ctx.Err()
}

// An API server that does not respond must not take the whole budget.
func TestLiveReadEndsAfterASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads []string
		m, err := webhook.NewNamespaceModes(webhook.NamespaceOptions{Cache: namespaces{nil, errNotCached, &reads}, Live: hanging{}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		start := time.Now()
		if mode, err := m.Mode(ctx, "newborn"); mode != "" || err == nil || time.Since(start) != time.Second {
			t.Errorf("Mode() = %q, %v after %s, want an error after 1 s", mode, err, time.Since(start))
		}
	})
}

func wantMode(t *testing.T, m *webhook.NamespaceModes, namespace string, want policy.Mode) {
	t.Helper()
	if got, err := m.Mode(t.Context(), namespace); got != want || err != nil {
		t.Errorf("Mode(%q) = %q, %v; want %q", namespace, got, err, want)
	}
}

func wantReads(t *testing.T, reads *[]string, want int) {
	t.Helper()
	if len(*reads) != want {
		t.Errorf("%d live reads, want %d", len(*reads), want)
	}
}

func TestAnotherDefaultModeAppliesAtOnce(t *testing.T) {
	t.Parallel()
	var reads []string
	live := namespaces{labels: map[string]string{"newborn": "-"}, reads: &reads}
	m := newModes(t, namespaces{err: errNotCached, reads: new([]string)}, live)
	wantMode(t, m, "newborn", policy.ModeAudit)
	wantMode(t, m, "newborn", policy.ModeAudit)
	wantReads(t, &reads, 1)
	other, err := m.WithUnlabelled(policy.ModeEnforce)
	if err != nil {
		t.Fatal(err)
	}
	wantMode(t, other, "newborn", policy.ModeEnforce)
	wantMode(t, m, "newborn", policy.ModeAudit)
}

func TestReduceNamespaceKeepsTheLabelOfTheMode(t *testing.T) {
	t.Parallel()
	meta := webhook.NewNamespaceMetadata()
	meta.Name, meta.UID, meta.ResourceVersion = "shop", "705ab4f5", "7"
	meta.Labels = map[string]string{"pullgate.dev/mode": "warn"}
	want := meta.DeepCopy()
	meta.Labels["team"] = "shop"
	meta.Annotations = map[string]string{"notes": "long"}
	meta.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	meta.Finalizers = []string{"example.com/a"}
	got, err := webhook.ReduceNamespace(meta)
	if diff := cmp.Diff(any(want), got); diff != "" || err != nil {
		t.Errorf("ReduceNamespace() = %v (-want +got):\n%s", err, diff)
	}
	// After a deletion, an informer may pass a tombstone.
	if got, err := webhook.ReduceNamespace("gone"); got != "gone" || err != nil {
		t.Errorf("ReduceNamespace() = %v, %v; want the same", got, err)
	}
}
