package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	ctrlwebhook "sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
)

// The defaults of the flags. The manifests have the same ports; a test compares them.
const (
	defaultWebhookPort = 9443
	defaultMetricsAddr = ":8080"
	defaultHealthAddr  = ":8081"

	// namespaceVariable is the environment variable with the namespace of the pod (downward API).
	namespaceVariable = "POD_NAMESPACE"
	// certDirVariable is the environment variable with the directory for self-signed certificates; by default a temporary one.
	certDirVariable = "PULLGATE_CERT_DIR"

	// shutdownGrace bounds the time for requests in flight after SIGTERM. The longest admission takes less.
	shutdownGrace = 20 * time.Second
)

type serveOptions struct {
	configFile, kubeconfig, certDir string
	webhookPort                     int
	metricsAddr, healthAddr         string
	clients                         clientOptions
	logger                          *slog.Logger
}

func newServeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	o := serveOptions{logger: slog.New(slog.NewJSONHandler(streams.ErrOut, nil))}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the admission webhook",
		Long: `Run the admission webhook.

By default Pullgate creates its own certificate, stores it in the Secret "` + certs.SecretName + `", renews it, and writes its CA into the
ValidatingWebhookConfiguration "` + certs.WebhookConfigurationName + `". With --cert-dir it serves the certificate in that directory (tls.crt, tls.key),
for example one that cert-manager mounts, and reloads it when it changes.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return serve(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.configFile, "config", "", "configuration `file`; defaults apply without it")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`; inside a pod, the service account is used by default")
	flags.StringVar(&o.certDir, "cert-dir", "", "`directory` with tls.crt and tls.key; self-signed without it")
	o.clients.addFlags(flags)
	flags.IntVar(&o.webhookPort, "webhook-port", defaultWebhookPort, "`port` of the webhook")
	flags.StringVar(&o.metricsAddr, "metrics-bind-address", defaultMetricsAddr, "`address` of /metrics; 0 turns it off")
	flags.StringVar(&o.healthAddr, "health-probe-bind-address", defaultHealthAddr, "`address` of /healthz and /readyz; 0 turns it off")
	return cmd
}

// serve runs the webhook until the context ends, and then finishes the requests in flight.
func serve(ctx context.Context, o serveOptions) error {
	logger := logr.FromSlogHandler(o.logger.Handler())
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	c, err := loadConfiguration(o.configFile)
	if err != nil {
		return err
	}
	restConfig, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	clientTLS, err := o.clients.tlsOption(o.logger)
	if err != nil {
		return err
	}
	selfSigned := o.certDir == ""
	if selfSigned {
		var remove func()
		if o.certDir, remove, err = ownCertDir(); err != nil {
			return err
		}
		defer remove()
	}
	mgr, err := ctrl.NewManager(restConfig, managerOptions(o, clientTLS, logger))
	if err != nil {
		return fmt.Errorf("making the manager: %w", err)
	}
	handler, end, err := newHandler(ctx, mgr, c, o.logger)
	if err != nil {
		return err
	}
	defer end()
	ready := closedChannel()
	if selfSigned {
		if ready, err = certs.SelfSigned(ctx, mgr, certs.Options{Namespace: os.Getenv(namespaceVariable), CertDir: o.certDir}); err != nil {
			return err
		}
	}
	if err := addWebhook(mgr, handler, ready); err != nil {
		return err
	}
	o.logger.InfoContext(ctx, "starting", "version", versionString(), "selfSigned", selfSigned, "port", o.webhookPort)
	return mgr.Start(ctx)
}

func managerOptions(o serveOptions, clientTLS func(*tls.Config), logger logr.Logger) ctrl.Options {
	grace := shutdownGrace
	return ctrl.Options{
		Logger:                  logger,
		GracefulShutdownTimeout: &grace,
		HealthProbeBindAddress:  o.healthAddr,
		Metrics:                 metricsserver.Options{BindAddress: o.metricsAddr},
		WebhookServer: ctrlwebhook.NewServer(ctrlwebhook.Options{
			Port:    o.webhookPort,
			CertDir: o.certDir,
			// The API server uses HTTP/1.1 for webhooks. Without HTTP/2, attacks on HTTP/2 are not possible.
			TLSOpts: []func(*tls.Config){clientTLS, func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
		}),
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				webhook.NewNamespaceMetadata(): {Transform: webhook.ReduceNamespace},
			},
		},
	}
}

// addWebhook adds the probes, and the webhook's server as soon as its certificate exists.
func addWebhook(mgr ctrl.Manager, handler *webhook.Handler, ready <-chan struct{}) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("webhook", readiness(mgr, ready)); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr.Add(afterCertificate{ready, func() {
		mgr.GetWebhookServer().Register(webhook.Path, webhook.Endpoint(handler))
	}})
}

// afterCertificate is a runnable that starts the webhook's server after the certificate is ready. A manager starts the server
// at the first call of GetWebhookServer.
type afterCertificate struct {
	ready <-chan struct{}
	start func()
}

// Start implements manager.Runnable.
func (a afterCertificate) Start(ctx context.Context) error {
	select {
	case <-ctx.Done():
	case <-a.ready:
		a.start()
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: every replica serves.
func (afterCertificate) NeedLeaderElection() bool { return false }

// readiness returns a check of the webhook's server.
func readiness(mgr ctrl.Manager, ready <-chan struct{}) healthz.Checker {
	return func(req *http.Request) error {
		select {
		case <-ready:
			return mgr.GetWebhookServer().StartedChecker()(req)
		default:
			return errors.New("the certificate does not exist yet")
		}
	}
}

// ownCertDir returns the directory for self-signed certificates, and a function that removes it if it is temporary.
func ownCertDir() (dir string, remove func(), err error) {
	if dir := os.Getenv(certDirVariable); dir != "" {
		return filepath.Clean(dir), func() {}, nil
	}
	dir, err = os.MkdirTemp("", "pullgate-certs-")
	if err != nil {
		return "", nil, fmt.Errorf("making a directory for certificates: %w", err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }, nil
}

// closedChannel returns the ready channel of a certificate that exists already.
func closedChannel() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}
