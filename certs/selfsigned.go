package certs

import (
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// Options configures a self-signed installation.
type Options struct {
	// Namespace holds the Secret and the Service. Empty means the constant Namespace.
	Namespace string
	// CertDir is the directory for tls.crt and tls.key. It is created if it does not exist. Required.
	CertDir string
}

// SelfSigned adds a runnable to the manager that keeps a self-signed certificate in CertDir and its authority in the webhook
// configuration. It sends no request itself, and the runnable repeats failed ones: see Serving for the state.
func SelfSigned(mgr manager.Manager, o Options) error {
	if o.CertDir == "" {
		return errors.New("certificate directory is required")
	}
	if o.Namespace == "" {
		o.Namespace = Namespace
	}
	if err := os.MkdirAll(o.CertDir, 0o700); err != nil {
		return fmt.Errorf("creating certificate directory: %w", err)
	}
	client, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("building client for certificates: %w", err)
	}
	if err := mgr.Add(newReconciler(client, o, mgr.GetLogger().WithName("certs"))); err != nil {
		return fmt.Errorf("adding the certificate's reconciler: %w", err)
	}
	return nil
}
