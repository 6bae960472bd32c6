package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"

	"k8s.io/client-go/kubernetes"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/metrics"
)

// newHandler returns the handler of admission requests. The caller calls end after the last request.
func newHandler(
	ctx context.Context, mgr ctrl.Manager, c config.Configuration, m *metrics.Metrics, logger *slog.Logger,
) (h *webhook.Handler, end func(), err error) {
	e, end, err := newWatchingEngine(mgr, c, m, logger)
	if err != nil {
		return nil, nil, err
	}
	if err := metrics.Watch(ctrlmetrics.Registry, e.Gauges); err != nil {
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
		Observe: observe(m),
		Log:     logger,
	}, end, nil
}

// newWatchingEngine returns an engine that reads secrets from the API server, and a function that ends its work in the
// background. The manager runs its watch of the nodes.
func newWatchingEngine(
	mgr ctrl.Manager, c config.Configuration, m *metrics.Metrics, logger *slog.Logger,
) (e *engine.Engine, end func(), err error) {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, nil, fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	source, err := secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
	if err != nil {
		return nil, nil, err
	}
	watch, err := engine.WatchCluster(clientset.CoreV1(), c.Nodes, logger)
	if err != nil {
		return nil, nil, err
	}
	if err := addWatch(mgr, watch, logger); err != nil {
		return nil, nil, err
	}
	e, err = engine.New(c, engine.Options{
		Credentials:  source,
		Cluster:      watch.Cluster,
		UserAgent:    userAgent(),
		Instrument:   m.Instrument,
		ObserveCache: m.CacheLookup,
		APIServer:    mgr.GetConfig().Host,
		Log:          logger,
		// Authors of pods read the warnings. The log is the operator's.
		HidePrivateCauses: true,
	})
	if err != nil {
		return nil, nil, err
	}
	return e, func() { source.Close(); e.Close() }, nil
}

// addWatch adds the runners of a watch to the manager, a readiness check that waits for the nodes, and the metric of the nodes.
func addWatch(mgr ctrl.Manager, watch *engine.Watch, logger *slog.Logger) error {
	if err := watchNodes(watch); err != nil {
		return err
	}
	for _, r := range watch.Runners {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	if len(watch.Runners) == 0 {
		return nil
	}
	if err := mgr.AddReadyzCheck("nodes", func(*http.Request) error { return watch.Ready() }); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		logNodes(ctx, watch, logger)
		return nil
	}))
}
