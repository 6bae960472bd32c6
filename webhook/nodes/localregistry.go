package nodes

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
)

// Where a cluster describes its local registry (KEP-1755). The shipped Role gives the right to read that one object.
const (
	LocalRegistryNamespace = "kube-public"
	LocalRegistryName      = "local-registry-hosting"
)

// ConfigMaps reads the ConfigMaps of LocalRegistryNamespace. CoreV1().ConfigMaps(…) of a clientset is one.
type ConfigMaps = lister[*corev1.ConfigMapList]

// LocalRegistry watches what a cluster says of its local registry. Where it says nothing, can't be understood or may not be
// read, no registry is known to be local. It is safe for concurrent use.
type LocalRegistry struct{ informer cache.SharedIndexInformer }

// NewLocalRegistry returns one that watches once it is started. It logs why it does not know the registry, each cause once.
func NewLocalRegistry(client ConfigMaps, log *slog.Logger) (*LocalRegistry, error) {
	r := hostingReader{log: log}
	var once sync.Once
	informer, err := newInformer(client, watched{
		example: &corev1.ConfigMap{},
		fields:  onlyLocalRegistry(),
		reduce:  r.reduce,
		failed: func(ctx context.Context, _ *cache.Reflector, err error) {
			once.Do(func() { log.InfoContext(ctx, "the cluster's local registry is not known", "cause", unread(err)) })
		},
	})
	if err != nil {
		return nil, fmt.Errorf("local registry: %w", err)
	}
	return &LocalRegistry{informer}, nil
}

func onlyLocalRegistry() string {
	return fields.OneTermEqualSelector(metav1.ObjectNameField, LocalRegistryName).String()
}

// unread says in our own words why the object could not be read.
func unread(err error) string {
	if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
		return "reading the ConfigMap is not allowed"
	}
	return "the API server gave no answer"
}

// Start watches until the context ends.
func (l *LocalRegistry) Start(ctx context.Context) error {
	l.informer.RunWithContext(ctx)
	return nil
}

// NeedLeaderElection tells a manager that every replica watches for itself.
func (*LocalRegistry) NeedLeaderElection() bool { return false }

// At returns where Pullgate can ask the registry that the nodes know by this host, if it is the local one.
func (l *LocalRegistry) At(host string) (address string, ok bool) {
	for _, o := range l.informer.GetStore().List() {
		if h, ok := o.(*Hosting); ok {
			return h.At(host)
		}
	}
	return "", false
}

// ReadLocalRegistry reads once what a cluster says of its local registry.
func ReadLocalRegistry(ctx context.Context, client ConfigMaps, log *slog.Logger) (*Hosting, error) {
	list, err := client.List(ctx, metav1.ListOptions{FieldSelector: onlyLocalRegistry()})
	if err != nil {
		return nil, fmt.Errorf("reading the local registry: %w", err)
	}
	r := hostingReader{log: log}
	if len(list.Items) == 0 {
		return &Hosting{}, nil
	}
	return r.read(&list.Items[0]), nil
}
