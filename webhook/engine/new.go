package engine

import (
	"context"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
)

// Engine checks the images of pods. It is safe for concurrent use.
type Engine struct {
	checker *preflight.Checker
	gauges  metrics.Gauges
	// endPlugins ends the credential provider plugins that run, and waits for them.
	endPlugins func()
}

// New returns an Engine for a valid configuration. An error names the configuration key or the variable that is wrong.
func New(c config.Configuration, o Options) (*Engine, error) {
	o = o.withDefaults()
	if o.Cluster.Nodes == nil {
		declared, err := parsePlatforms(c.Nodes.Platforms)
		if err != nil {
			return nil, err
		}
		o.Cluster.Nodes = nodes.Declared(declared)
	}
	options, err := registryOptions(c, o)
	if err != nil {
		return nil, err
	}
	e, err := newEngine(c, options, o.ObserveCache, o.Clock)
	if err != nil {
		return nil, err
	}
	nodeCreds, end, err := newNodeCredentials(o.Credentials, c.Nodes, o.Environ, o.Log)
	if err != nil {
		return nil, err
	}
	return &Engine{checker: e.checker(nodeCreds, o.Cluster.Nodes), gauges: e.gauges(), endPlugins: end}, nil
}

// Check returns one finding for each use of the pod, in their order, before the context's deadline. The pod's spec selects
// its candidate nodes; with nil they are all nodes.
func (e *Engine) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	return e.checker.Check(ctx, pod, spec)
}

// Gauges returns functions that read the state of the engine for metrics.
func (e *Engine) Gauges() metrics.Gauges { return e.gauges }

// Close ends the credential provider plugins that run, and waits for them.
func (e *Engine) Close() { e.endPlugins() }
