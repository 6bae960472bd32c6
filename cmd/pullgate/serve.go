package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/tracing"
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
	denialEvents                    bool
	debug                           debugOptions
	tracing                         tracingOptions
	log                             logging
	// tracer is nil if tracing is off.
	tracer *tracing.Tracer
}

func newServeCommand(streams genericiooptions.IOStreams) *cobra.Command {
	var o serveOptions
	var logFlags logOptions
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the admission webhook",
		Long: `Run the admission webhook.

By default Pullgate creates its own certificate, stores it in the Secret "` + certs.SecretName + `", renews it, and writes its CA into the
ValidatingWebhookConfiguration "` + certs.WebhookConfigurationName + `". With --cert-dir it serves the certificate in that directory (tls.crt, tls.key),
for example one that cert-manager mounts, and reloads it when it changes.

The configuration file is read again when it changes. A file with an error is refused, and the former configuration stays in use.

Without an API server, a right or a valid certificate the process is alive and not ready, logs the cause, and retries.

GOMEMLIMIT is set to 90% of the container's memory limit, unless the environment sets it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.log, err = newLogging(streams.ErrOut, logFlags); err != nil {
				return err
			}
			if err := serve(cmd.Context(), o); err != nil {
				o.log.ErrorContext(cmd.Context(), "serve ends", "error", err)
				return exitError(exitUsage)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.configFile, "config", "", "configuration `file`; defaults apply without it")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`; inside a pod, the service account is used by default")
	flags.StringVar(&o.certDir, "cert-dir", "", "`directory` with tls.crt and tls.key; self-signed without it")
	o.clients.addFlags(flags)
	logFlags.addFlags(flags)
	o.debug.addFlags(flags)
	o.tracing.addFlags(flags)
	flags.IntVar(&o.webhookPort, "webhook-port", defaultWebhookPort, "`port` of the webhook")
	flags.StringVar(&o.metricsAddr, "metrics-bind-address", defaultMetricsAddr, "`address` of /metrics; 0 turns it off")
	flags.StringVar(&o.healthAddr, "health-probe-bind-address", defaultHealthAddr, "`address` of /healthz and /readyz; 0 turns it off")
	flags.BoolVar(&o.denialEvents, "denial-events", false,
		"record denials as Events about the pod's controller, or about the namespace; needs the right to create and patch events")
	flags.DurationVar(&o.shutdownDelay, "shutdown-delay", defaultShutdownDelay,
		"`time` to serve after SIGTERM, not ready and with \"Connection: close\" on each response")
	return cmd
}

// serve runs the webhook until shutdownDelay after the end of the context, and then finishes the requests in flight.
func serve(ctx context.Context, o serveOptions) error {
	o.log.install()
	limitMemory(o.log.Logger, memlimit.FromCgroup)
	c, hash, err := loadConfiguration(o.configFile)
	if err != nil {
		return err
	}
	restConfig, err := restConfig(o.kubeconfig)
	if err != nil {
		return err
	}
	restrictClients, err := o.clients.tlsOption(o.log.Logger)
	if err != nil {
		return err
	}
	var endTracing func()
	if o.tracer, endTracing, err = o.tracing.newTracer(ctx, o.log); err != nil {
		return err
	}
	defer endTracing()
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
	gate := newAPIServerGate(o.log.Logger, running.Done())
	mgr, err := ctrl.NewManager(restConfig, managerOptions(o, gate))
	if err != nil {
		return fmt.Errorf("making the manager: %w", withoutUserinfo(err))
	}
	admission, err := newAdmission(ctx, mgr, c, o)
	if err != nil {
		return err
	}
	defer admission.close()
	if err := addReload(mgr, o, hash, admission.reconfigure); err != nil {
		return err
	}
	if err := addPresence(mgr, o.log.Logger); err != nil {
		return err
	}
	certificate, err := addCertificate(mgr, o, selfSigned)
	if err != nil {
		return err
	}
	tlsConfig := newTLSConfig(certificate)
	restrictClients(tlsConfig)
	var endpoint http.Handler = admission
	if o.tracer != nil {
		endpoint = o.tracer.Handler(endpoint)
	}
	if err := addServer(ctx, mgr, o, endpoint, tlsConfig, admission.metrics.Refused, ctx.Done()); err != nil {
		return err
	}
	if err := addDebugServer(ctx, mgr, o.debug, o.log); err != nil {
		return err
	}
	if err := addProbes(mgr, o, gate, certificate, ctx.Done()); err != nil {
		return err
	}
	o.log.InfoContext(ctx, "starting", "version", versionString(), "selfSigned", selfSigned, "port", o.webhookPort)
	return mgr.Start(running)
}

// managerOptions returns options with which no request is sent before the manager starts, not even for discovery: an API server
// that is away must not end the process.
func managerOptions(o serveOptions, gate *apiServerGate) ctrl.Options {
	grace := shutdownGrace
	return ctrl.Options{
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
		"certificate": certificate.Check,
		"shutdown":    whileRunning(ending),
	} {
		if err := mgr.AddReadyzCheck(name, logged(o.log.Logger, name, check)); err != nil {
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
