package certs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// fieldOwner names Pullgate in the managed fields of the objects that it writes.
	fieldOwner = "pullgate"
	// reconcileTimeout bounds the requests of one reconciliation.
	reconcileTimeout = 10 * time.Second
	// checkInterval is the time between two reconciliations without a change of an object. Certificates age meanwhile.
	checkInterval = 10 * time.Minute
)

var (
	_ manager.Runnable               = (*reconciler)(nil)
	_ manager.LeaderElectionRunnable = (*reconciler)(nil)
)

// reconciler keeps the Secret valid, and the files and the webhook configuration in agreement with it.
type reconciler struct {
	client    kubernetes.Interface
	namespace string
	issuer    *issuer
	dir       atomicDir
	log       logr.Logger
}

func newReconciler(client kubernetes.Interface, o Options, log logr.Logger) *reconciler {
	return &reconciler{client: client, namespace: o.Namespace, issuer: newIssuer(o.Namespace), dir: atomicDir(o.CertDir), log: log}
}

// NeedLeaderElection returns false: every replica serves and needs the files.
func (*reconciler) NeedLeaderElection() bool { return false }

// Start reconciles after every change of the two objects, until the context ends. A failure is logged and repeated.
func (r *reconciler) Start(ctx context.Context) error {
	changed := make(chan struct{}, 1)
	var informers sync.WaitGroup
	defer informers.Wait()
	for _, i := range r.informers(changed) {
		informers.Go(func() { i.RunWithContext(ctx) })
	}
	retry := retryDelay()
	for {
		delay := checkInterval
		if err := r.reconcile(ctx); err == nil {
			retry = retryDelay()
		} else if ctx.Err() == nil {
			delay = retry.Step()
			r.log.Error(err, "the certificate is not up to date", "retryAfter", delay.Round(time.Second).String())
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(delay):
		}
	}
}

// retryDelay returns the delays after failures in a row.
func retryDelay() wait.Backoff {
	return wait.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.1, Steps: 6, Cap: 30 * time.Second}
}

// informers watch the two objects by their names, not the others of their kinds, and signal their changes.
func (r *reconciler) informers(changed chan<- struct{}) []cache.Controller {
	signal := func() {
		select {
		case changed <- struct{}{}:
		default: // a signal is pending
		}
	}
	handler := cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { signal() }, UpdateFunc: func(any, any) { signal() }, DeleteFunc: func(any) { signal() },
	}
	newInformer := func(list cache.ListerWatcher, example runtime.Object) cache.Controller {
		_, informer := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: list, ObjectType: example, Handler: handler})
		return informer
	}
	secrets, configurations := r.client.CoreV1().Secrets(r.namespace), r.client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	return []cache.Controller{
		newInformer(listWatch(r.client, secrets, SecretName), &corev1.Secret{}),
		newInformer(listWatch(r.client, configurations, WebhookConfigurationName), &admissionregistrationv1.ValidatingWebhookConfiguration{}),
	}
}

// lister lists and watches objects of one kind.
type lister[L runtime.Object] interface {
	List(ctx context.Context, o metav1.ListOptions) (L, error)
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}

// listWatch lists and watches one object by its name. RBAC allows that by resourceNames.
func listWatch[L runtime.Object](client any, objects lister[L], name string) cache.ListerWatcher {
	selector := fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = selector
			return objects.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = selector
			return objects.Watch(ctx, o)
		},
	}, client)
}

// reconcile writes what is missing or wrong. The Secret comes first, because all replicas share it: the files and the
// authority follow it.
func (r *reconciler) reconcile(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reconcileTimeout)
	defer cancel()
	data, err := r.secretData(ctx)
	if err != nil {
		return fmt.Errorf("secret %s/%s: %w", r.namespace, SecretName, err)
	}
	if err := r.dir.write(data[corev1.TLSCertKey], data[corev1.TLSPrivateKeyKey]); err != nil {
		return fmt.Errorf("writing certificate files: %w", err)
	}
	if err := r.inject(ctx, data[corev1.ServiceAccountRootCAKey]); err != nil {
		return fmt.Errorf("validatingwebhookconfiguration %s: %w", WebhookConfigurationName, err)
	}
	return nil
}

// secretData returns the data of the Secret, after it has created or renewed it. Of two replicas that write at the same time,
// the API server rejects one, which repeats.
func (r *reconciler) secretData(ctx context.Context) (map[string][]byte, error) {
	secrets := r.client.CoreV1().Secrets(r.namespace)
	secret, err := secrets.Get(ctx, SecretName, metav1.GetOptions{})
	absent := apierrors.IsNotFound(err)
	if err != nil && !absent {
		return nil, err
	}
	if absent {
		secret = r.emptySecret()
	}
	data, changed, err := r.issuer.renew(secret.Data, time.Now())
	if err != nil || !changed {
		return data, err
	}
	secret.Data = mergedData(secret.Data, data)
	if absent {
		_, err = secrets.Create(ctx, secret, metav1.CreateOptions{FieldManager: fieldOwner})
	} else {
		_, err = secrets.Update(ctx, secret, metav1.UpdateOptions{FieldManager: fieldOwner})
	}
	if err != nil {
		return nil, err
	}
	r.log.Info("issued a certificate", "newSecret", absent)
	return data, nil
}

// mergedData returns the data with the other keys that an operator may have added.
func mergedData(old, issued map[string][]byte) map[string][]byte {
	data := make(map[string][]byte, len(old)+len(issued))
	maps.Copy(data, old)
	maps.Copy(data, issued)
	return data
}

func (r *reconciler) emptySecret() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.namespace, Name: SecretName, Labels: map[string]string{"app.kubernetes.io/name": ServiceName},
		},
		Type: corev1.SecretTypeOpaque,
	}
}

// inject writes the authority to the webhooks that have another one. The patch has no other field, so that it keeps the new fields
// of a newer API server.
func (r *reconciler) inject(ctx context.Context, authority []byte) error {
	configurations := r.client.AdmissionregistrationV1().ValidatingWebhookConfigurations()
	current, err := configurations.Get(ctx, WebhookConfigurationName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil // it may have been deleted on purpose; the informer signals when it is there
	}
	if err != nil {
		return err
	}
	patch, err := bundlePatch(current, authority)
	if err != nil || patch == nil {
		return err
	}
	_, err = configurations.Patch(ctx, current.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{FieldManager: fieldOwner})
	return err
}

// bundlePatch returns the patch of the webhooks with another authority, or nil. A configuration that has changed meanwhile is not
// patched: the API server then rejects the resource version.
func bundlePatch(c *admissionregistrationv1.ValidatingWebhookConfiguration, authority []byte) ([]byte, error) {
	var webhooks []map[string]any
	for _, w := range c.Webhooks {
		if !bytes.Equal(w.ClientConfig.CABundle, authority) {
			webhooks = append(webhooks, map[string]any{"name": w.Name, "clientConfig": map[string]any{"caBundle": authority}})
		}
	}
	if len(webhooks) == 0 {
		return nil, nil
	}
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"resourceVersion": c.ResourceVersion},
		"webhooks": webhooks,
	})
}
