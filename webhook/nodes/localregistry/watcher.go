package localregistry

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/tools/cache"

	"github.com/pullgate/pullgate/webhook/nodes/informer"
)

// Namespace and Name identify the ConfigMap. The shipped Role grants the right to read only this object.
const (
	Namespace = "kube-public"
	Name      = "local-registry-hosting"
)

// ConfigMaps reads the ConfigMaps of Namespace, as CoreV1().ConfigMaps(Namespace) of a clientset does.
type ConfigMaps = informer.Client[*corev1.ConfigMapList]

// Watcher watches the description of the local registry. It is safe for concurrent use.
type Watcher struct{ informer cache.SharedIndexInformer }

// NewWatcher returns a Watcher that has not started. It logs each cause of a missing description once.
func NewWatcher(client ConfigMaps, log *slog.Logger) (*Watcher, error) {
	r := hostingReader{log: log}
	var once sync.Once
	i, err := informer.New(client, informer.Options{
		Example:       &corev1.ConfigMap{},
		FieldSelector: fieldSelector(),
		Transform:     r.transform,
		OnError: func(ctx context.Context, _ *cache.Reflector, err error) {
			once.Do(func() { log.InfoContext(ctx, "the cluster's local registry is not known", "cause", cause(err)) })
		},
	})
	if err != nil {
		return nil, fmt.Errorf("local registry: %w", err)
	}
	return &Watcher{i}, nil
}

func fieldSelector() string {
	return fields.OneTermEqualSelector(metav1.ObjectNameField, Name).String()
}

// cause returns the cause of a failed read in Pullgate's own words.
func cause(err error) string {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return "reading the ConfigMap is not allowed"
	}
	return "the API server did not respond"
}

// Start watches until the context ends.
func (w *Watcher) Start(ctx context.Context) error {
	w.informer.RunWithContext(ctx)
	return nil
}

// NeedLeaderElection returns false: every replica watches.
func (*Watcher) NeedLeaderElection() bool { return false }

// Address returns the address of the registry for pods, if host is its name in images.
func (w *Watcher) Address(host string) (address string, ok bool) {
	for _, o := range w.informer.GetStore().List() {
		if h, ok := o.(*Hosting); ok {
			return h.Address(host)
		}
	}
	return "", false
}

// Read reads the description once.
func Read(ctx context.Context, client ConfigMaps, log *slog.Logger) (*Hosting, error) {
	list, err := client.List(ctx, metav1.ListOptions{FieldSelector: fieldSelector()})
	if err != nil {
		return nil, fmt.Errorf("reading the local registry: %w", err)
	}
	r := hostingReader{log: log}
	if len(list.Items) == 0 {
		return &Hosting{}, nil
	}
	return r.read(&list.Items[0]), nil
}
