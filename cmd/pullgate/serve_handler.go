package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/events"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/tracing"
)

// The rate of requests about Events per second, and the burst, for all namespaces.
const (
	eventRate  = 10
	eventBurst = 50
)

// newHandler returns the handler of admission requests. The caller calls end after the last request.
func newHandler(ctx context.Context, mgr ctrl.Manager, c config.Configuration, o serveOptions) (h *webhook.Handler, end func(), err error) {
	m, err := metrics.New(ctrlmetrics.Registry)
	if err != nil {
		return nil, nil, fmt.Errorf("registering metrics: %w", err)
	}
	e, end, err := newWatchingEngine(mgr, c, m, o)
	if err != nil {
		return nil, nil, err
	}
	observe := counted(m)
	if o.tracer != nil {
		observe = traced(observe, o.tracer)
	}
	if o.denialEvents {
		recorder, err := newRecorder(mgr)
		if err != nil {
			return nil, nil, err
		}
		observe, end = recorded(observe, recorder), closeAll(end, recorder.Close)
	}
	if err := metrics.Watch(ctrlmetrics.Registry, e.Gauges()); err != nil {
		return nil, nil, fmt.Errorf("registering metrics: %w", err)
	}
	if _, err := mgr.GetCache().GetInformer(ctx, webhook.NewNamespaceMetadata()); err != nil {
		return nil, nil, fmt.Errorf("watching namespaces: %w", err)
	}
	modes, err := webhook.NewNamespaceModes(webhook.NamespaceOptions{
		Cache: mgr.GetCache(), Live: mgr.GetAPIReader(), Unlabelled: c.DefaultMode, Own: cmp.Or(os.Getenv(namespaceVariable), certs.Namespace),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("watching namespaces: %w", err)
	}
	return &webhook.Handler{
		Checker: e,
		Modes:   modes,
		Actions: c.Actions,
		Budget:  webhook.Budget{Admission: c.Timeouts.Admission, Headroom: c.Timeouts.Headroom},
		Observe: observe,
		Log:     o.log.Logger,
	}, end, nil
}

// observer observes the decisions of the handler.
type observer func(context.Context, webhook.Observation)

// counted returns an observer that counts decisions.
func counted(m *metrics.Metrics) observer {
	return func(_ context.Context, o webhook.Observation) {
		if o.Unchecked != "" {
			m.Unchecked(string(o.Unchecked))
			return
		}
		m.Decided(string(o.Mode), o.Kind, o.Decision, o.Duration, o.Findings)
	}
}

// recorded returns an observer that also records denials as Events.
func recorded(next observer, r *events.Recorder) observer {
	return func(ctx context.Context, o webhook.Observation) {
		next(ctx, o)
		if d := o.Denial; d != nil {
			r.PodDenied(o.Namespace, d.Controller, d.Message)
		}
	}
}

// traced returns an observer that also describes decisions in their spans.
func traced(next observer, t *tracing.Tracer) observer {
	return func(ctx context.Context, o webhook.Observation) {
		next(ctx, o)
		if o.Unchecked != "" {
			t.Unchecked(ctx, string(o.Unchecked))
			return
		}
		t.Decided(ctx, tracing.Decision{
			UID: string(o.UID), Namespace: o.Namespace, Kind: o.Kind, Mode: string(o.Mode), Decision: o.Decision, Findings: o.Findings,
		})
	}
}

// newRecorder returns a recorder of Events. Unlike the client for pull secrets, its client has a limit for the rate.
func newRecorder(mgr ctrl.Manager) (*events.Recorder, error) {
	limited := rest.CopyConfig(mgr.GetConfig())
	limited.QPS, limited.Burst = eventRate, eventBurst
	client, err := corev1client.NewForConfigAndClient(limited, mgr.GetHTTPClient())
	if err != nil {
		return nil, fmt.Errorf("making the API client for Events: %w", withoutUserinfo(err))
	}
	return events.NewRecorder(client), nil
}

func closeAll(functions ...func()) func() {
	return func() {
		for _, f := range functions {
			f()
		}
	}
}

// newWatchingEngine returns an engine that reads secrets from the API server, and a function that ends its work in the
// background. The manager runs its watch of the nodes.
func newWatchingEngine(
	mgr ctrl.Manager, c config.Configuration, m *metrics.Metrics, o serveOptions,
) (e *engine.Engine, end func(), err error) {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, nil, fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	source, err := secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
	if err != nil {
		return nil, nil, err
	}
	watch, err := engine.WatchCluster(clientset.CoreV1(), c.Nodes, o.log.Logger)
	if err != nil {
		return nil, nil, err
	}
	if err := addWatch(mgr, watch, o.log.Logger); err != nil {
		return nil, nil, err
	}
	instrument := m.Instrument
	if o.tracer != nil {
		instrument = func(next http.RoundTripper) http.RoundTripper { return m.Instrument(o.tracer.Transport(next)) }
	}
	e, err = engine.New(c, engine.Options{
		Credentials:  source,
		Cluster:      watch.Cluster,
		UserAgent:    userAgent(),
		Instrument:   instrument,
		ObserveCache: m.CacheLookup,
		APIServer:    mgr.GetConfig().Host,
		Log:          o.log.Logger,
		// Authors of pods read the warnings. The log is the operator's.
		HidePrivateCauses: true,
	})
	if err != nil {
		return nil, nil, err
	}
	return e, func() { source.Close(); e.Close() }, nil
}

// addWatch adds the runners of a watch to the manager, and a readiness check that waits for the nodes.
func addWatch(mgr ctrl.Manager, watch *engine.Watch, logger *slog.Logger) error {
	for _, r := range watch.Runners {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	if len(watch.Runners) == 0 {
		return nil
	}
	ready := logged(logger, "nodes", func(*http.Request) error { return watch.Ready() })
	if err := mgr.AddReadyzCheck("nodes", ready); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return nil
}
