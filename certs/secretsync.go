package certs

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// resyncPeriod is the delay before a failed write is repeated without a change of the Secret.
const resyncPeriod = 30 * time.Second

var (
	_ manager.Runnable               = (*secretSync)(nil)
	_ manager.LeaderElectionRunnable = (*secretSync)(nil)
)

// secretSync writes the pair in the Secret to a directory whenever it changes.
type secretSync struct {
	source cache.ListerWatcher
	dir    atomicDir
	// onError is called with the error for a Secret that was not written. The files are unchanged, so that a running server
	// is not affected.
	onError  func(error)
	ready    chan struct{}
	announce func()
}

func newSecretSync(client kubernetes.Interface, o Options, onError func(error)) *secretSync {
	ready := make(chan struct{})
	return &secretSync{
		source:   secretSource(client, o.Namespace),
		dir:      atomicDir(o.CertDir),
		onError:  onError,
		ready:    ready,
		announce: sync.OnceFunc(func() { close(ready) }),
	}
}

// secretSource lists and watches one Secret by its name, not the others of the namespace.
func secretSource(client kubernetes.Interface, namespace string) cache.ListerWatcher {
	secrets := client.CoreV1().Secrets(namespace)
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, SecretName).String()
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = selector
			return secrets.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = selector
			return secrets.Watch(ctx, o)
		},
	}, client)
}

// NeedLeaderElection returns false: every replica serves and needs the files.
func (s *secretSync) NeedLeaderElection() bool { return false }

// Start writes the files until the context ends.
func (s *secretSync) Start(ctx context.Context) error {
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: s.source,
		ObjectType:    &corev1.Secret{},
		ResyncPeriod:  resyncPeriod,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    s.sync,
			UpdateFunc: func(_, obj any) { s.sync(obj) },
		},
	})
	informer.RunWithContext(ctx)
	return nil
}

// sync writes the pair in a Secret. A Secret without a pair is not an error: a new installation has an empty one until the
// rotator fills it.
func (s *secretSync) sync(obj any) {
	secret, ok := obj.(*corev1.Secret)
	if !ok || len(secret.Data[corev1.TLSCertKey]) == 0 {
		return
	}
	if err := s.write(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err != nil {
		s.onError(err)
		return
	}
	s.announce()
}

// write rejects a certificate without its key: a restarted server could not start with these files.
func (s *secretSync) write(cert, key []byte) error {
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("checking secret %s: %w", SecretName, err)
	}
	if err := s.dir.write(cert, key); err != nil {
		return fmt.Errorf("writing certificate files: %w", err)
	}
	return nil
}
