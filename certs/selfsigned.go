package certs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/open-policy-agent/cert-controller/pkg/rotator"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

const (
	// authorityName is the subject of the certificate authority.
	authorityName = "pullgate-ca"
	// fieldOwner names Pullgate in the managed fields of the webhook configuration.
	fieldOwner = "pullgate"
	// lookupTimeout bounds the request of SelfSigned to the API server.
	lookupTimeout = 10 * time.Second
)

// Options configures a self-signed installation.
type Options struct {
	// Namespace holds the Secret and the Service. Empty means the constant Namespace.
	Namespace string
	// CertDir is the directory for tls.crt and tls.key. It is created if it does not exist. Required.
	CertDir string
	// ExtraDNSNames are added to the DNS names in the certificate.
	ExtraDNSNames []string
}

// SelfSigned adds runnables to the manager that keep a self-signed certificate in CertDir and its authority in the webhook
// configuration. The channel is closed once CertDir holds a serving pair: start the server after that. Later rotations replace
// the files in place.
//
// The Secret and the webhook configuration must exist: Pullgate may update these two by name, but may not create them. A
// missing Secret is an error here, because the rotator would give up a moment later. The manager's scheme needs the core
// types. Call it once per namespace in a process.
func SelfSigned(ctx context.Context, mgr manager.Manager, o Options) (ready <-chan struct{}, err error) {
	if o.CertDir == "" {
		return nil, errors.New("certificate directory is required")
	}
	if o.Namespace == "" {
		o.Namespace = Namespace
	}
	if err := os.MkdirAll(o.CertDir, 0o700); err != nil {
		return nil, fmt.Errorf("creating certificate directory: %w", err)
	}
	client, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("building client for secrets: %w", err)
	}
	if err := requireSecret(ctx, client, o.Namespace); err != nil {
		return nil, err
	}
	return addTo(mgr, client, o)
}

// addTo adds the rotator and the secretSync to the manager.
func addTo(mgr manager.Manager, client kubernetes.Interface, o Options) (<-chan struct{}, error) {
	if err := rotator.AddRotator(mgr, newRotator(o)); err != nil {
		return nil, fmt.Errorf("adding certificate rotator: %w", err)
	}
	log := mgr.GetLogger().WithName("certs")
	s := newSecretSync(client, o, func(err error) { log.Error(err, "certificate files are not updated") })
	if err := mgr.Add(s); err != nil {
		return nil, fmt.Errorf("adding secret sync: %w", err)
	}
	return s.ready, nil
}

// requireSecret returns an error with the fix if the Secret is missing: the rotator may not create it.
func requireSecret(ctx context.Context, client kubernetes.Interface, namespace string) error {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	_, err := client.CoreV1().Secrets(namespace).Get(ctx, SecretName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("secret %s/%s not found: apply the manifests first", namespace, SecretName)
	}
	if err != nil {
		return fmt.Errorf("reading secret %s/%s: %w", namespace, SecretName, err)
	}
	return nil
}

// newRotator returns the rotator of the certificate. It runs without leader election: otherwise a new installation would wait
// for a leader.
func newRotator(o Options) *rotator.CertRotator {
	return &rotator.CertRotator{
		SecretKey:      types.NamespacedName{Namespace: o.Namespace, Name: SecretName},
		CertDir:        o.CertDir,
		CAName:         authorityName,
		CAOrganization: "pullgate",
		DNSName:        ServerName(o.Namespace),
		ExtraDNSNames:  extraNames(o),
		IsReady:        make(chan struct{}),
		Webhooks:       []rotator.WebhookInfo{{Name: WebhookConfigurationName, Type: rotator.Validating}},
		FieldOwner:     fieldOwner,
		// The name must be unique in the process.
		ControllerName: "certs-" + o.Namespace,
	}
}
