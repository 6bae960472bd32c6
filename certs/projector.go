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

// resyncPeriod is how soon a pair that could not be written is tried again without a change of the Secret.
const resyncPeriod = 30 * time.Second

var (
	_ manager.Runnable               = (*projector)(nil)
	_ manager.LeaderElectionRunnable = (*projector)(nil)
)

// projector keeps a directory in step with the Secret.
type projector struct {
	source cache.ListerWatcher
	dir    keyPairDir
	// onError is told of a Secret that could not become files. The files stay as they were, so that a server which
	// works goes on working.
	onError  func(error)
	ready    chan struct{}
	announce func()
}

func newProjector(client kubernetes.Interface, o Options, onError func(error)) *projector {
	ready := make(chan struct{})
	return &projector{
		source:   secretSource(client, o.Namespace),
		dir:      keyPairDir(o.CertDir),
		onError:  onError,
		ready:    ready,
		announce: sync.OnceFunc(func() { close(ready) }),
	}
}

// secretSource lists and watches one Secret by its name: the namespace's others are none of our business.
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

// NeedLeaderElection returns false: every replica serves, so every replica needs the files.
func (p *projector) NeedLeaderElection() bool { return false }

// Start keeps the files in step until the context ends.
func (p *projector) Start(ctx context.Context) error {
	_, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: p.source,
		ObjectType:    &corev1.Secret{},
		ResyncPeriod:  resyncPeriod,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    p.project,
			UpdateFunc: func(_, obj any) { p.project(obj) },
		},
	})
	informer.RunWithContext(ctx)
	return nil
}

// project writes the Secret's pair, where it holds one. An installation starts with an empty Secret, which the rotator
// fills: there is nothing to write yet, and nothing wrong.
func (p *projector) project(obj any) {
	secret, ok := obj.(*corev1.Secret)
	if !ok || len(secret.Data[corev1.TLSCertKey]) == 0 {
		return
	}
	if err := p.write(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey]); err != nil {
		p.onError(err)
		return
	}
	p.announce()
}

// write refuses a certificate without its key: a server that restarts on such files would not come up again.
func (p *projector) write(cert, key []byte) error {
	if _, err := tls.X509KeyPair(cert, key); err != nil {
		return fmt.Errorf("checking secret %s: %w", SecretName, err)
	}
	if err := p.dir.write(cert, key); err != nil {
		return fmt.Errorf("writing certificate files: %w", err)
	}
	return nil
}
