package engine

import (
	"errors"
	"fmt"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// registryOptions returns the options of the registry client.
func registryOptions(c config.Configuration, o Options) (registry.Options, error) {
	proxy, err := proxyFrom(getenv(o.Environ))
	if err != nil {
		return registry.Options{}, err
	}
	return registry.Options{
		Egress: egress.Rules{
			Allow:       c.Egress.Allow,
			Deny:        c.Egress.Deny,
			DenyPrivate: c.Egress.PrivateNetworks == config.NetworkDeny,
			Insecure:    c.Egress.InsecureRegistries,
		},
		Runtime:        c.Nodes.Runtime,
		HostsDir:       c.Nodes.HostsDir,
		RequestTimeout: c.Timeouts.Request,
		ConnectTimeout: c.Timeouts.Connect,
		ManifestBytes:  c.Limits.ManifestBytes,
		UserAgent:      o.UserAgent,
		Proxy:          proxy,
		LocalRegistry:  o.Cluster.LocalRegistry,
		RootCAs:        o.RootCAs,
		DialContext:    o.DialContext,
		Instrument:     o.Instrument,
	}, nil
}

// engine holds what serve and check share: preflight sends requests through resolve to registry.
type engine struct {
	config  config.Configuration
	limiter *resolve.Limiter
	// resolver checks images.
	resolver *resolve.Resolver
	// manifests checks that the manifests of an index exist, and contents reads manifests with all that they refer to.
	manifests, contents *resolve.Resolver
	// resolvers are the Resolvers above, for the gauges.
	resolvers []*resolve.Resolver
	// skipped registries are not checked. At credentialed registries the nodes have an identity of their own.
	skipped, credentialed hostpattern.List
}

func newEngine(
	c config.Configuration, options registry.Options, observe func(hit bool), wall clock.Clock,
) (*engine, error) {
	options.Clock = wall
	client, err := registry.New(options)
	if err != nil {
		return nil, err
	}
	e := &engine{config: c}
	if e.skipped, err = hostpattern.ParseHosts(c.SkipRegistries); err != nil {
		return nil, fmt.Errorf("skipRegistries%w", err)
	}
	if e.credentialed, err = hostpattern.ParseHosts(c.Nodes.CredentialedRegistries); err != nil {
		return nil, fmt.Errorf("nodes.credentialedRegistries%w", err)
	}
	shared := resolveOptions(c, wall)
	shared.RoutedSince, shared.ObserveCache = client.RoutedSince, observe
	e.limiter = shared.Limiter
	var errs [3]error
	e.resolver, errs[0] = resolve.New(client, shared)
	e.manifests, errs[1] = resolve.New(registry.NewManifestResolver(client), shared)
	e.contents, errs[2] = resolve.New(registry.NewDeepResolver(client), shared)
	e.resolvers = []*resolve.Resolver{e.resolver, e.manifests, e.contents}
	return e, errors.Join(errs[:]...)
}

// cacheBytes bounds each cache, in addition to the number of entries. An index of ten platforms takes 3 KiB.
const cacheBytes = 24 << 20

// resolveOptions returns the options of all Resolvers. They share the limiter and the circuit breaker.
func resolveOptions(c config.Configuration, wall clock.Clock) resolve.Options {
	backoff := resolve.Backoff{
		InitialDelay: c.Backoff.InitialDelay,
		Factor:       c.Backoff.Factor,
		MaxDelay:     c.Backoff.MaxDelay,
		Jitter:       c.Retry.Jitter,
		Lockout:      c.Cache.DeniedTTL,
	}
	return resolve.Options{
		MaxEntries: c.Cache.MaxEntries,
		MaxBytes:   cacheBytes,
		TTLs: resolve.TTLs{
			Tag:      c.Cache.TagTTL,
			Digest:   c.Cache.DigestTTL,
			NotFound: c.Cache.NotFoundTTL,
			Denied:   c.Cache.DeniedTTL,
		},
		Backoff: backoff,
		Retry: resolve.Retry{
			InitialDelay: c.Retry.InitialDelay,
			Factor:       c.Retry.Factor,
			Jitter:       c.Retry.Jitter,
			MaxAttempts:  c.Retry.MaxAttempts,
		},
		Limiter: resolve.NewLimiter(c.Limits.Total, c.Limits.PerRegistry),
		Breaker: resolve.NewBreaker(backoff, wall),
		// A check outlives the admission by one request, so that a request under way can still fill the cache.
		Timeout: c.Timeouts.Admission + c.Timeouts.Request,
		Clock:   wall,
	}
}

func (e *engine) checker(creds preflight.Credentials, nodes preflight.Nodes) *preflight.Checker {
	return preflight.New(preflight.Options{
		Resolver:               e.resolver,
		Cache:                  e.resolver,
		Manifests:              e.manifests,
		ManifestCache:          e.manifests,
		Contents:               e.contents,
		Deep:                   e.config.Deep,
		Credentials:            creds,
		Nodes:                  nodes,
		Runtime:                e.config.Nodes.Runtime,
		LocalImagePull:         e.config.Nodes.LocalImagePull,
		CredentialedRegistries: e.credentialed,
		SkipRegistries:         e.skipped,
		MaxUses:                e.config.Limits.UsesPerObject,
		WithNamespace:          resolve.WithNamespace,
	})
}

func (e *engine) gauges() metrics.Gauges {
	return metrics.Gauges{
		CacheEntries: e.cacheEntries,
		Inflight:     e.limiter.InFlight,
		Waiting:      e.limiter.Waiting,
		BackedOff:    e.backingOff,
	}
}

func (e *engine) cacheEntries() int {
	entries := 0
	for _, r := range e.resolvers {
		entries += r.CacheEntries()
	}
	return entries
}

// backingOff counts each registry once, whatever the cause.
func (e *engine) backingOff() int {
	domains := make(map[string]bool)
	for _, r := range e.resolvers {
		r.AddBackingOff(domains)
	}
	return len(domains)
}
