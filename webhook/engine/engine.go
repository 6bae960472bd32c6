package engine

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// Engine checks the images of pods. It is safe for concurrent use.
type Engine struct {
	checker *preflight.Checker
	limiter *resolve.Limiter
	// images resolves references, manifests checks that the manifests of an index exist, and contents reads manifests with all
	// that they refer to.
	images, manifests, contents *resolve.Resolver
	// closeConnections closes the idle connections to registries.
	closeConnections func()
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
	e := &Engine{limiter: resolve.NewLimiter(c.Limits.Total, c.Limits.PerRegistry)}
	if err := e.makeResolvers(c, o); err != nil {
		return nil, err
	}
	checks, err := e.checkerOptions(c)
	if err != nil {
		return nil, err
	}
	checks.Nodes = o.Cluster.Nodes
	if checks.Credentials, e.endPlugins, err = newNodeCredentials(o.Credentials, c.Nodes, o.Environ, o.Log); err != nil {
		return nil, err
	}
	e.checker = preflight.New(checks)
	return e, nil
}

// makeResolvers sets the Resolvers. They share the registry client, the limiter, the circuit breaker and the failed logins, and
// have caches and backoffs of their own. All caches have the same keys for credentials.
func (e *Engine) makeResolvers(c config.Configuration, o Options) error {
	keyer := imagepull.NewCredentialKeyer()
	clientOptions, err := registryOptions(c, o)
	if err != nil {
		return err
	}
	clientOptions.Keyer = keyer
	client, err := registry.New(clientOptions)
	if err != nil {
		return err
	}
	e.closeConnections = client.Close
	options := resolveOptions(c, o.Clock)
	options.Limiter, options.Keyer, options.NewConnection = e.limiter, keyer, egress.WithNewConnection
	options.RoutedSince, options.ObserveCache = client.RoutedSince, o.ObserveCache
	var errs [3]error
	e.images, errs[0] = resolve.New(client, options)
	e.manifests, errs[1] = resolve.New(registry.NewManifestResolver(client), options)
	e.contents, errs[2] = resolve.New(registry.NewDeepResolver(client), options)
	return errors.Join(errs[:]...)
}

// checkerOptions returns the options of the checker, without nodes and credentials.
func (e *Engine) checkerOptions(c config.Configuration) (preflight.Options, error) {
	skipped, err := hostpattern.ParseHosts(c.SkipRegistries)
	if err != nil {
		return preflight.Options{}, fmt.Errorf("skipRegistries%w", err)
	}
	credentialed, err := hostpattern.ParseHosts(c.Nodes.CredentialedRegistries)
	if err != nil {
		return preflight.Options{}, fmt.Errorf("nodes.credentialedRegistries%w", err)
	}
	return preflight.Options{
		Resolver:               e.images,
		Cache:                  e.images,
		Manifests:              e.manifests,
		ManifestCache:          e.manifests,
		Contents:               e.contents,
		Deep:                   c.Deep,
		Runtime:                c.Nodes.Runtime,
		LocalImagePull:         c.Nodes.LocalImagePull,
		VerifyImages:           c.Nodes.VerifyImages,
		MaxReportedImages:      c.Nodes.MaxReportedImages,
		CredentialedRegistries: credentialed,
		SkipRegistries:         skipped,
		Placeholders:           c.Placeholders,
		MaxImages:              c.Limits.UsesPerObject,
		WithNamespace:          resolve.WithNamespace,
	}, nil
}

// Check returns one finding for each use of the pod, in their order, before the context's deadline. The pod's spec selects
// its candidate nodes; with nil they are all nodes.
func (e *Engine) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	return e.checker.Check(ctx, pod, spec)
}

// Gauges returns functions that read the state of the engine for metrics.
func (e *Engine) Gauges() metrics.Gauges {
	return metrics.Gauges{
		CacheEntries: e.cacheEntries,
		Inflight:     e.limiter.InFlight,
		Waiting:      e.limiter.Waiting,
		BackedOff:    e.backingOff,
	}
}

func (e *Engine) cacheEntries() int {
	entries := 0
	for _, r := range e.resolvers() {
		entries += r.CacheEntries()
	}
	return entries
}

// backingOff counts each registry once, whatever the cause.
func (e *Engine) backingOff() int {
	domains := make(map[string]bool)
	for _, r := range e.resolvers() {
		r.AddBackingOff(domains)
	}
	return len(domains)
}

func (e *Engine) resolvers() []*resolve.Resolver {
	return []*resolve.Resolver{e.images, e.manifests, e.contents}
}

// Close closes idle connections. It ends the credential provider plugins that run, and waits for them.
func (e *Engine) Close() {
	e.closeConnections()
	e.endPlugins()
}
