package localregistry_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errForbidden = apierrors.NewForbidden(schema.GroupResource{Resource: "configmaps"}, "", nil)

// configMaps is a localregistry.ConfigMaps with the description of a local registry, or with an error.
type configMaps struct {
	description *corev1.ConfigMap
	err         error
	watcher     *watch.FakeWatcher
	// selectors are the field selectors of the requests.
	selectors []string
}

func (c *configMaps) List(_ context.Context, options metav1.ListOptions) (*corev1.ConfigMapList, error) {
	c.selectors = append(c.selectors, options.FieldSelector)
	list := &corev1.ConfigMapList{}
	if c.description != nil {
		list.Items = []corev1.ConfigMap{*c.description}
	}
	return list, c.err
}

func (c *configMaps) Watch(_ context.Context, options metav1.ListOptions) (watch.Interface, error) {
	c.selectors = append(c.selectors, options.FieldSelector)
	return c.watcher, c.err
}

// IsWatchListSemanticsUnSupported makes the informer list before it watches.
func (*configMaps) IsWatchListSemanticsUnSupported() bool { return true }

// describing returns the ConfigMap with the text under its key.
func describing(text string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-public", Name: "local-registry-hosting"},
		Data:       map[string]string{"localRegistryHosting.v1": text},
	}
}

// kindHosting describes a registry as the tools for kind do.
const kindHosting = `
host: "localhost:5001"
hostFromClusterNetwork: "kind-registry:5000"
help: "https://kind.sigs.k8s.io/docs/user/local-registry/"
`
