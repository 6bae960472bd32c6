package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
			m, err := webhook.NewNamespaceModes(webhook.NamespaceOptions{
				Cache:      namespaces{cached, errNotCached, &cacheReads},
				Live:       namespaces{live, errUnreachable, &liveReads},
				Unlabelled: policy.ModeAudit,
				Own:        "pullgate-system",
			})
			if err != nil {
				t.Fatal(err)
			}
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

func TestReduceNamespaceKeepsTheLabels(t *testing.T) {
	t.Parallel()
	meta := webhook.NewNamespaceMetadata()
	meta.Name, meta.UID, meta.ResourceVersion = "shop", "705ab4f5", "7"
	meta.Labels = map[string]string{"pullgate.dev/mode": "warn"}
	want := meta.DeepCopy()
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
