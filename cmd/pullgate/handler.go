package main

import (
	"context"
	"fmt"
	"log/slog"

	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// newHandler wires what decides. Once that is over, end ends what it started.
func newHandler(ctx context.Context, mgr ctrl.Manager, c config.Configuration, logger *slog.Logger) (h *webhook.Handler, end func(), err error) {
	m, err := metrics.New(ctrlmetrics.Registry)
	if err != nil {
		return nil, nil, fmt.Errorf("registering metrics: %w", err)
	}
	checker, end, err := newWatchingChecker(mgr, c, m, logger)
	if err != nil {
		return nil, nil, err
	}
	if _, err := mgr.GetCache().GetInformer(ctx, webhook.NewNamespaceMetadata()); err != nil {
		return nil, nil, fmt.Errorf("watching namespaces: %w", err)
	}
	return &webhook.Handler{
		Checker: checker,
		Modes:   webhook.NamespaceModes{Cache: mgr.GetCache(), Live: mgr.GetAPIReader(), Unlabelled: c.DefaultMode},
		Actions: c.Actions,
		Budget:  webhook.Budget{Admission: c.Timeouts.Admission.Duration, Headroom: c.Timeouts.Headroom.Duration},
		Observe: func(o webhook.Observation) {
			m.Decided(string(o.Mode), o.Kind, o.Decision, o.Duration, o.Findings)
		},
		Log: logger,
	}, end, nil
}

// newWatchingChecker wires a checker that reads secrets from the API server, and has the manager watch the nodes.
func newWatchingChecker(
	mgr ctrl.Manager, c config.Configuration, m *metrics.Metrics, logger *slog.Logger,
) (checker *preflight.Checker, end func(), err error) {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return nil, nil, fmt.Errorf("making the API client: %w", err)
	}
	source, err := secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
	if err != nil {
		return nil, nil, err
	}
	nodes, err := watchNodes(mgr, clientset.CoreV1().Nodes(), c.Nodes)
	if err != nil {
		return nil, nil, err
	}
	held, end, err := onNodes(source, c.Nodes, logger)
	if err != nil {
		return nil, nil, err
	}
	options, err := registryOptions(c)
	if err != nil {
		return nil, nil, err
	}
	options.Instrument = m.Instrument
	if options.LocalRegistry, err = watchLocalRegistry(mgr, clientset.CoreV1(), c.Nodes, logger); err != nil {
		return nil, nil, err
	}
	engine, err := newEngine(c, options, m.CacheAsked, clock.RealClock{})
	if err != nil {
		return nil, nil, err
	}
	if err := metrics.Watch(ctrlmetrics.Registry, engine.gauges()); err != nil {
		return nil, nil, fmt.Errorf("registering metrics: %w", err)
	}
	return engine.checker(held, nodes), end, nil
}
