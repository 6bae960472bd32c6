package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/metrics"
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

	// defaultShutdownDelay is the time between SIGTERM and the end of the server. An API server that sends a review every few
	// seconds moves each of its connections in that time.
	defaultShutdownDelay = 10 * time.Second
	// shutdownGrace bounds the time for requests in flight after that. The longest admission takes less.
	shutdownGrace = 20 * time.Second
)

type serveOptions struct {
	configFile, kubeconfig, certDir string
	webhookPort                     int
	metricsAddr, healthAddr         string
	shutdownDelay                   time.Duration
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
for example one that cert-manager mounts, and reloads it when it changes.

Without an API server, a right or a valid certificate the process is alive and not ready, logs the cause, and retries.

GOMEMLIMIT is set to 90% of the container's memory limit, unless the environment sets it.`,
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
	flags.DurationVar(&o.shutdownDelay, "shutdown-delay", defaultShutdownDelay,
		"`time` to serve after SIGTERM, not ready and with \"Connection: close\" on each response")
	return cmd
}

// serve runs the webhook until shutdownDelay after the end of the context, and then finishes the requests in flight.
func serve(ctx context.Context, o serveOptions) error {
	logger := logr.FromSlogHandler(o.logger.Handler())
	ctrl.SetLogger(logger)
	klog.SetLogger(logger)
	limitMemory(o.logger, memlimit.FromCgroup)
	c, hash, err := loadConfiguration(o.configFile)
	if err != nil {
		return err
	}
	restConfig, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	restrictClients, err := o.clients.tlsOption(o.logger)
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
	running, stop := delayed(ctx, o.shutdownDelay)
	defer stop()
	gate := newAPIServerGate(o.logger, running.Done())
	mgr, err := ctrl.NewManager(restConfig, managerOptions(o, gate, logger))
	if err != nil {
		return fmt.Errorf("making the manager: %w", withoutUserinfo(err))
	}
	m, err := newMetrics()
	if err != nil {
		return err
	}
	if _, err := metrics.NewReloads(ctrlmetrics.Registry, hash); err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	handler, end, err := newHandler(ctx, mgr, c, m, o.logger)
	if err != nil {
		return err
	}
	defer end()
	certificate, err := addCertificate(mgr, o, selfSigned)
	if err != nil {
		return err
	}
	tlsConfig := newTLSConfig(certificate)
	restrictClients(tlsConfig)
	endpoint := webhook.Endpoint(handler)
	if err := watchReviews(endpoint); err != nil {
		return err
	}
	if err := addServer(ctx, mgr, o, endpoint, tlsConfig, m.Refused, ctx.Done()); err != nil {
		return err
	}
	if err := addProbes(mgr, o, gate, certificate, ctx.Done()); err != nil {
		return err
	}
	o.logger.InfoContext(ctx, "starting", "version", versionString(), "selfSigned", selfSigned, "port", o.webhookPort)
	return mgr.Start(running)
}

// managerOptions returns options with which no request is sent before the manager starts, not even for discovery: an API server
// that is away must not end the process.
func managerOptions(o serveOptions, gate *apiServerGate, logger logr.Logger) ctrl.Options {
	grace := shutdownGrace
	return ctrl.Options{
		Logger:                  logger,
		GracefulShutdownTimeout: &grace,
		HealthProbeBindAddress:  o.healthAddr,
		Metrics:                 metricsserver.Options{BindAddress: o.metricsAddr},
		MapperProvider:          namespacesOnly,
		NewCache:                gate.newCache,
		Cache: cache.Options{
			DefaultTransform: cache.TransformStripManagedFields(),
			ByObject: map[client.Object]cache.ByObject{
				webhook.NewNamespaceMetadata(): {Transform: webhook.ReduceNamespace},
			},
		},
	}
}

// namespacesOnly returns a mapper for the only kind that the manager's clients read.
func namespacesOnly(*rest.Config, *http.Client) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	return mapper, nil
}

// addCertificate adds the runnables of the certificate.
func addCertificate(mgr ctrl.Manager, o serveOptions, selfSigned bool) (*certs.Serving, error) {
	if selfSigned {
		if err := certs.SelfSigned(mgr, certs.Options{Namespace: os.Getenv(namespaceVariable), CertDir: o.certDir}); err != nil {
			return nil, err
		}
	}
	certificate := certs.NewServing(o.certDir, mgr.GetLogger().WithName("certs"))
	if err := mgr.Add(certificate); err != nil {
		return nil, fmt.Errorf("adding the certificate: %w", err)
	}
	if err := metrics.WatchCertificate(ctrlmetrics.Registry, certificate.Expiry); err != nil {
		return nil, fmt.Errorf("registering metrics: %w", err)
	}
	return certificate, nil
}

// addProbes adds the checks of /healthz and /readyz. A replica is alive as long as its process responds.
func addProbes(mgr ctrl.Manager, o serveOptions, gate *apiServerGate, certificate *certs.Serving, ending <-chan struct{}) error {
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("adding the health check: %w", err)
	}
	for name, check := range map[string]healthz.Checker{
		"api-server":  gate.check,
		"certificate": logged(o.logger, "certificate", certificate.Check),
		"shutdown":    whileRunning(ending),
	} {
		if err := mgr.AddReadyzCheck(name, check); err != nil {
			return fmt.Errorf("adding the readiness check: %w", err)
		}
	}
	return nil
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
