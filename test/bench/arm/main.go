// Command arm is what Pullgate is measured against: three webhooks that answer the same requests with less.
//
// "noop" admits whatever comes, and is what controller-runtime itself costs. "decode" decodes the pod before it does so, which
// no webhook on pods can do without. "head" is the webhook that one writes in an afternoon: go-containerregistry's remote.Head
// for each image, with the credentials of the pull secrets, and no memory.
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

// options have the names that those of "pullgate serve" have.
type options struct {
	kind, kubeconfig, certDir string
	port                      int
	metrics, health           string
}

func main() {
	var o options
	// controller-runtime has put flags of its own into the set that is there.
	flags := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flags.StringVar(&o.kind, "kind", "noop", "noop, decode or head")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "kubeconfig `file`")
	flags.StringVar(&o.certDir, "cert-dir", "", "`directory` with tls.crt and tls.key")
	flags.IntVar(&o.port, "webhook-port", 9443, "`port` of the webhook")
	flags.StringVar(&o.metrics, "metrics-bind-address", "0", "`address` of /metrics")
	flags.StringVar(&o.health, "health-probe-bind-address", "0", "`address` of /readyz")
	// It ends the program where it fails.
	_ = flags.Parse(os.Args[1:])
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run serves as "pullgate serve" does, with the same server, the same limits on TLS and the same metrics.
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
		return fmt.Errorf("making the manager: %w", err)
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
		return decoding{decoder, header{mgr.GetClient()}.answer}, nil
	}
	return nil, fmt.Errorf("there is no kind %q", kind)
}
