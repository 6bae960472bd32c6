package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"

	"k8s.io/client-go/kubernetes"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/pullgate/pullgate/certs"
	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials/secrets"
	"github.com/pullgate/pullgate/webhook/engine"
	"github.com/pullgate/pullgate/webhook/events"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/tracing"
)

// The rate of requests about Events per second, and the burst, for all namespaces.
const (
	eventRate  = 10
	eventBurst = 50
)

// admission is the webhook with the engine of the current configuration.
type admission struct {
	*webhook.Server
	engine  atomic.Pointer[engine.Engine]
	watch   *engine.Watch
	modes   *webhook.NamespaceModes
	metrics *metrics.Metrics
	tracer  *tracing.Tracer
	observe observer
	log     *slog.Logger
	// watches is nodes.watch at the start of the process.
	watches bool
	// closeSource ends the reads of pull secrets in the background, and closeRecorder the sending of Events.
	closeSource, closeRecorder func()
}

// newAdmission returns the webhook. The manager runs its watches. The caller closes it after the last request.
func newAdmission(ctx context.Context, mgr ctrl.Manager, c config.Configuration, o serveOptions) (*admission, error) {
	m, err := newMetrics()
	if err != nil {
		return nil, err
	}
	a := &admission{
		metrics: m, tracer: o.tracer, observe: counted(m), log: o.log.Logger, watches: c.Nodes.Watch, closeRecorder: func() {},
	}
	if o.tracer != nil {
		a.observe = traced(a.observe, o.tracer)
	}
	if o.denialEvents {
		recorder, err := newRecorder(mgr)
		if err != nil {
			return nil, err
		}
		a.observe, a.closeRecorder = recorded(a.observe, recorder), recorder.Close
	}
	if err := a.startEngine(mgr, c); err != nil {
		return nil, err
	}
	if err := watchEngine(a.engine.Load); err != nil {
		return nil, err
	}
	if _, err := mgr.GetCache().GetInformer(ctx, webhook.NewNamespaceMetadata()); err != nil {
		return nil, fmt.Errorf("watching namespaces: %w", err)
	}
	a.modes, err = webhook.NewNamespaceModes(webhook.NamespaceOptions{
		Cache: mgr.GetCache(), Live: mgr.GetAPIReader(), Unlabelled: c.DefaultMode, Own: ownNamespace(),
	})
	if err != nil {
		return nil, fmt.Errorf("watching namespaces: %w", err)
	}
	a.Server = webhook.Endpoint(a.handler(a.engine.Load(), a.modes, c))
	return a, watchReviews(a.Server)
}

// ownNamespace returns the namespace of Pullgate.
func ownNamespace() string { return cmp.Or(os.Getenv(namespaceVariable), certs.Namespace) }

// observer observes what the handler decides, and the requests that it refuses.
type observer func(context.Context, webhook.Observation)

// counted returns an observer that counts.
func counted(m *metrics.Metrics) observer {
	return func(_ context.Context, o webhook.Observation) {
		switch {
		case o.Refused:
			m.Refused(metrics.RefusedReview)
		case o.Unchecked != "":
			m.Unchecked(string(o.Unchecked))
		default:
			m.Decided(metrics.Decision{
				Mode: string(o.Mode), Kind: o.Kind, Decision: o.Decision, Duration: o.Duration, Budget: o.Budget, Findings: o.Findings,
			})
		}
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
		switch {
		case o.Refused:
			// Nothing is known about the request.
		case o.Unchecked != "":
			t.Unchecked(ctx, string(o.Unchecked))
		default:
			t.Decided(ctx, tracing.Decision{
				UID: string(o.UID), Namespace: o.Namespace, Kind: o.Kind, Mode: string(o.Mode), Decision: o.Decision, Findings: o.Findings,
			})
		}
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

// startEngine sets the first engine, which reads secrets from the API server. The manager runs its watch of the nodes.
func (a *admission) startEngine(mgr ctrl.Manager, c config.Configuration) error {
	clientset, err := kubernetes.NewForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("making the API client: %w", withoutUserinfo(err))
	}
	source, err := secrets.NewSource(secrets.Options{Client: clientset.CoreV1()})
	if err != nil {
		return err
	}
	if a.watch, err = engine.WatchCluster(clientset.CoreV1(), c.Nodes, a.log); err != nil {
		return err
	}
	if err := a.addWatch(mgr); err != nil {
		return err
	}
	instrument := a.metrics.Instrument
	if a.tracer != nil {
		instrument = func(next http.RoundTripper) http.RoundTripper { return a.metrics.Instrument(a.tracer.Transport(next)) }
	}
	e, err := engine.New(c, engine.Options{
		Credentials:  source,
		Cluster:      a.watch.Cluster,
		UserAgent:    userAgent(),
		Instrument:   instrument,
		ObserveCache: a.metrics.CacheLookup,
		APIServer:    mgr.GetConfig().Host,
		Log:          a.log,
		// Authors of pods read the warnings. The log is the operator's.
		HidePrivateCauses: true,
	})
	if err != nil {
		return err
	}
	a.closeSource = source.Close
	a.engine.Store(e)
	return nil
}

// handler returns the handler of a configuration.
func (a *admission) handler(e *engine.Engine, modes *webhook.NamespaceModes, c config.Configuration) *webhook.Handler {
	return &webhook.Handler{
		Checker:    e,
		Modes:      modes,
		Actions:    c.Actions,
		Exemptions: c.Exemptions.Rules(),
		Budget:     webhook.Budget{Admission: c.Timeouts.Admission, Headroom: c.Timeouts.Headroom},
		Observe:    a.observe,
		Log:        a.log,
	}
}

// reconfigure decides on all further reviews by another configuration. Reviews in progress end with the former one: retire waits for
// them, and closes what only they use. An error changes nothing.
func (a *admission) reconfigure(ctx context.Context, c config.Configuration) (retire func(), keepsCaches bool, err error) {
	if c.Nodes.Watch != a.watches {
		a.log.WarnContext(ctx, "a changed key needs a restart", "key", "nodes.watch", "inUse", a.watches)
		c.Nodes.Watch = a.watches
	}
	cluster, err := a.watch.ClusterFor(c.Nodes)
	if err != nil {
		return nil, false, err
	}
	modes, err := a.modes.WithUnlabelled(c.DefaultMode)
	if err != nil {
		return nil, false, err
	}
	former := a.engine.Load()
	next, err := former.Reconfigure(c, cluster)
	if err != nil {
		return nil, false, err
	}
	a.engine.Store(next)
	wait := a.Exchange(a.handler(next, modes, c))
	return func() {
		wait()
		former.Retire(ctx)
	}, next.SharesLookups(former), nil
}

// close ends the work in the background.
func (a *admission) close() {
	a.closeSource()
	a.engine.Load().Close()
	a.closeRecorder()
}

// addWatch adds the runners of the watch to the manager, a readiness check that waits for the nodes, and a log of what they report.
func (a *admission) addWatch(mgr ctrl.Manager) error {
	for _, r := range a.watch.Runners {
		if err := mgr.Add(r); err != nil {
			return fmt.Errorf("watching the cluster: %w", err)
		}
	}
	if len(a.watch.Runners) == 0 {
		return nil
	}
	ready := logged(a.log, "nodes", func(*http.Request) error { return a.watch.Ready() })
	if err := mgr.AddReadyzCheck("nodes", ready); err != nil {
		return fmt.Errorf("adding the readiness check: %w", err)
	}
	return mgr.Add(manager.RunnableFunc(func(ctx context.Context) error {
		logNodes(ctx, a.watch.Ready, func() nodes.Reported { return a.engine.Load().ReportedNodes() }, a.log)
		return nil
	}))
}
