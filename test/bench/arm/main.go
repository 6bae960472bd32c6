// Command arm serves the webhooks that Pullgate is compared with. They handle the same requests and do less.
//
// "noop" admits every request. It shows the cost of controller-runtime itself. "decode" also decodes the pod, which
// every webhook for pods must do. "head" is a simple webhook: it calls go-containerregistry's remote.Head for each
// image, with the credentials of the pull secrets and without a cache.
//
//	arm --kind=head --kubeconfig=FILE --cert-dir=DIR --webhook-port=9443
package main

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

// options have the names of the flags of "pullgate serve".
type options struct {
	kind, kubeconfig, certDir string
	port                      int
	metrics, health           string
}

func main() {
	var o options
	// controller-runtime has added flags to the default set.
	flags := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flags.StringVar(&o.kind, "kind", "noop", "noop, decode or head")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`")
	flags.StringVar(&o.certDir, "cert-dir", "", "`directory` with tls.crt and tls.key")
	flags.IntVar(&o.port, "webhook-port", 9443, "`port` of the webhook")
	flags.StringVar(&o.metrics, "metrics-bind-address", "0", "`address` of /metrics")
	flags.StringVar(&o.health, "health-probe-bind-address", "0", "`address` of /readyz")
	// With ExitOnError, an error exits the program.
	_ = flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run serves like "pullgate serve", with the same server, the same TLS options and the same metrics.
func run(ctx context.Context, o options) error {
	ctrl.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", o.kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		HealthProbeBindAddress: o.health,
		Metrics:                metricsserver.Options{BindAddress: o.metrics},
		WebhookServer: webhook.NewServer(webhook.Options{
			Port: o.port, CertDir: o.certDir,
			TLSOpts: []func(*tls.Config){func(c *tls.Config) { c.NextProtos = []string{"http/1.1"} }},
		}),
	})
	if err != nil {
		return fmt.Errorf("creating the manager: %w", err)
	}
	handler, err := newHandler(ctx, o.kind, mgr)
	if err != nil {
		return err
	}
	server := mgr.GetWebhookServer()
	server.Register("/validate", &admission.Webhook{Handler: handler})
	if err := mgr.AddReadyzCheck("webhook", server.StartedChecker()); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr.Start(ctx)
}

func newHandler(ctx context.Context, kind string, mgr ctrl.Manager) (admission.Handler, error) {
	decoder := admission.NewDecoder(mgr.GetScheme())
	switch kind {
	case "noop":
		return admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
			return admission.Allowed("")
		}), nil
	case "decode":
		return decoding{decoder, func(context.Context, pod) admission.Response { return admission.Allowed("") }}, nil
	case "head":
		if err := watchSecrets(ctx, mgr); err != nil {
			return nil, err
		}
		return decoding{decoder, header{mgr.GetClient()}.admit}, nil
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}
