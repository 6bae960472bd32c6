package engine

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// Engine checks the images of pods. It is safe for concurrent use.
type Engine struct {
	checker   *preflight.Checker
	nodeCreds credentials.Node

	config config.Configuration
	// clock measures the age of cache entries and tokens, and the time since a failure.
	clock clock.Clock
	// observe is called for every cache lookup.
	observe  func(hit bool)
	slots    *resolve.Slots
	circuits *resolve.Circuits
	caches   []*resolve.Cached
	backoffs []*resolve.BackedOff
	// resolver resolves images.
	resolver *resolve.Front
	// contents checks the contents of images. It is nil unless the configuration turns deep on.
	contents preflight.Resolver
	// skipped are the registries that are not checked. At credentialed registries the nodes have credentials of their own.
	skipped, credentialed hostpattern.List
}

// New returns an Engine for a valid configuration. An error names the configuration key or the variable that is wrong.
func New(c config.Configuration, o Options) (*Engine, error) {
	o = o.withDefaults()
	declared, err := parsePlatforms(c.Nodes.Platforms)
	if err != nil {
		return nil, err
	}
	if o.Cluster.Nodes == nil {
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
	if e.nodeCreds, err = newNodeCredentials(o.Credentials, c.Nodes, o.Environ, o.Log); err != nil {
		return nil, err
	}
	e.checker = e.newChecker(e.nodeCreds, o.Cluster.Nodes)
	return e, nil
}

// Close ends the credential provider plugins that run, and waits for them.
func (e *Engine) Close() { e.nodeCreds.Providers.Close() }

// Check returns one finding for each use of the pod, in their order, before the context's deadline. The pod's spec selects
// its candidate nodes; with nil they are all nodes.
func (e *Engine) Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding {
	return e.checker.Check(ctx, pod, spec)
}

func newEngine(
	c config.Configuration, options registry.Options, observe func(hit bool), wall clock.Clock,
) (*Engine, error) {
	options.Clock = wall
	client, err := registry.New(options)
	if err != nil {
		return nil, err
	}
	e := &Engine{
		config: c, clock: wall, observe: observe,
		slots:    resolve.NewSlots(c.Limits.Total, c.Limits.PerRegistry),
		circuits: resolve.NewCircuits(backoff(c), wall),
	}
	if e.skipped, err = hostpattern.ParseHosts(c.SkipRegistries); err != nil {
		return nil, fmt.Errorf("skipRegistries%w", err)
	}
	if e.credentialed, err = hostpattern.ParseHosts(c.Nodes.CredentialedRegistries); err != nil {
		return nil, fmt.Errorf("nodes.credentialedRegistries%w", err)
	}
	if e.resolver, err = e.stack(client, client.RoutedSince); err != nil || !c.Deep {
		return e, err
	}
	e.contents, err = e.stack(registry.NewInspector(client), client.RoutedSince)
	return e, err
}

// cacheBytes bounds the size of a cache, as cache.maxEntries bounds its entries. An index of ten platforms takes 3 KiB.
const cacheBytes = 24 << 20

// backoff returns the delays between requests after failures.
func backoff(c config.Configuration) resolve.Backoff {
	return resolve.Backoff{
		InitialDelay: c.Backoff.InitialDelay.Duration,
		Factor:       c.Backoff.Factor,
		MaxDelay:     c.Backoff.MaxDelay.Duration,
		Jitter:       c.Retry.Jitter,
		Lockout:      c.Cache.DeniedTTL.Duration,
	}
}

// stack wraps a resolver in the policies that decide when to send a request. From the outside in, these are the cache, single
// flight, the limits, the backoff, the retries and the circuit breaker. The backoff is inside the limits: a request that waits
// while a registry fails is not sent afterwards. The breaker is inside the retries, so that a retry is not sent either. Each
// resolver has a cache and a backoff of its own; limits and circuits are shared.
func (e *Engine) stack(asking resolve.Resolver, routedSince func(domain string) time.Time) (*resolve.Front, error) {
	c := e.config
	retried := resolve.NewRetried(resolve.NewBreaker(asking, e.circuits), resolve.Retry{
		InitialDelay: c.Retry.InitialDelay.Duration,
		Factor:       c.Retry.Factor,
		Jitter:       c.Retry.Jitter,
		MaxAttempts:  c.Retry.MaxAttempts,
	}, e.clock)
	backedOff := resolve.NewBackedOff(retried, backoff(c), e.clock)
	cached, err := resolve.NewCached(resolve.NewLimited(backedOff, e.slots), resolve.CacheOptions{
		MaxEntries: c.Cache.MaxEntries,
		MaxBytes:   cacheBytes,
		Lifetimes: resolve.Lifetimes{
			Tag:      c.Cache.TagTTL.Duration,
			Digest:   c.Cache.DigestTTL.Duration,
			NotFound: c.Cache.NotFoundTTL.Duration,
			Denied:   c.Cache.DeniedTTL.Duration,
		},
		Clock:       e.clock,
		RoutedSince: routedSince,
		Observe:     e.observe,
	})
	if err != nil {
		return nil, err
	}
	e.caches, e.backoffs = append(e.caches, cached), append(e.backoffs, backedOff)
	// A question outlives whoever asked by one request, so that what has begun comes to its end and is remembered.
	return cached.InFrontOf(resolve.NewCoalesced(cached, c.Timeouts.Admission.Duration+c.Timeouts.Request.Duration)), nil
}

func (e *Engine) newChecker(creds preflight.Credentials, nodes preflight.Nodes) *preflight.Checker {
	return preflight.New(preflight.Options{
		Resolver:               e.resolver,
		Memory:                 e.resolver,
		Contents:               e.contents,
		Credentials:            creds,
		Nodes:                  nodes,
		Runtime:                e.config.Nodes.Runtime,
		LocalImagePull:         e.config.Nodes.LocalImagePull,
		CredentialedRegistries: e.credentialed,
		SkipRegistries:         e.skipped,
		MaxUses:                e.config.Limits.UsesPerObject,
	})
}

// Gauges returns the functions that read the state of the engine for metrics.
func (e *Engine) Gauges() metrics.Gauges {
	return metrics.Gauges{
		CacheEntries: e.remembered,
		Inflight:     e.slots.Taken,
		Waiting:      e.slots.Waiting,
		BackedOff:    e.leftAlone,
	}
}

func (e *Engine) remembered() int {
	entries := 0
	for _, c := range e.caches {
		entries += c.Len()
	}
	return entries
}

// leftAlone counts the registries that are backed off, each once.
func (e *Engine) leftAlone() int {
	domains := make(map[string]bool)
	e.circuits.AddResting(domains)
	for _, b := range e.backoffs {
		b.AddResting(domains)
	}
	return len(domains)
}
