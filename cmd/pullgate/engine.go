package main

import (
	"fmt"
	"os"
	"time"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/registry/egress"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// loadConfiguration reads a configuration file; without a name it is the default.
func loadConfiguration(file string) (config.Configuration, error) {
	if file == "" {
		return config.Default(), nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("reading the configuration: %w", err)
	}
	c, err := config.Load(data)
	if err != nil {
		return config.Configuration{}, fmt.Errorf("configuration %s:\n%w", file, err)
	}
	return c, nil
}

// registryOptions are what the configuration and the environment say of asking registries.
func registryOptions(c config.Configuration) (registry.Options, error) {
	proxy, err := proxyFrom(os.Getenv)
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
		RequestTimeout: c.Timeouts.Request.Duration,
		ConnectTimeout: c.Timeouts.Connect.Duration,
		ManifestBytes:  c.Limits.ManifestBytes,
		UserAgent:      userAgent(),
		Proxy:          proxy,
	}, nil
}

// engine is what serve and check share: questions from preflight, through resolve, to registry.
type engine struct {
	config config.Configuration
	// clock tells how old answers and tokens are, and when what rests has rested.
	clock clock.Clock
	// observe is told of each question whether memory had the answer.
	observe  func(hit bool)
	slots    *resolve.Slots
	circuits *resolve.Circuits
	caches   []*resolve.Cached
	backoffs []*resolve.BackedOff
	// resolver asks for images.
	resolver *resolve.Front
	// contents asks for what is in them. It is nil unless the configuration wants it.
	contents preflight.Resolver
	// skipped registries are not asked, and at credentialed ones the nodes have an identity of their own.
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
	e := &engine{
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
	e.contents, err = e.stack(registry.NewDeepResolver(client), client.RoutedSince)
	return e, err
}

// cacheBytes bounds what is remembered besides the number of entries. An index of ten platforms takes 3 KiB.
const cacheBytes = 24 << 20

// backoff is between questions, for what fails.
func backoff(c config.Configuration) resolve.Backoff {
	return resolve.Backoff{
		InitialDelay: c.Backoff.InitialDelay.Duration,
		Factor:       c.Backoff.Factor,
		MaxDelay:     c.Backoff.MaxDelay.Duration,
		Jitter:       c.Retry.Jitter,
		Lockout:      c.Cache.DeniedTTL.Duration,
	}
}

// stack puts onto what asks a registry all that decides when to ask: memory, one question at a time, limits, backoff,
// retries and the circuit breaker, from the outside in. Backoff is within the limits, so that whoever waits for a turn while
// a registry goes down no longer asks it, and the breaker within the retries, so that these don't either. What looks into
// images has a memory and a backoff of its own, and the limits and the circuits in common.
func (e *engine) stack(asking resolve.Resolver, routedSince func(domain string) time.Time) (*resolve.Front, error) {
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

func (e *engine) checker(creds preflight.Credentials, nodes preflight.Nodes) *preflight.Checker {
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

func (e *engine) gauges() metrics.Gauges {
	return metrics.Gauges{
		CacheEntries: e.remembered,
		Inflight:     e.slots.Taken,
		Waiting:      e.slots.Waiting,
		BackedOff:    e.leftAlone,
	}
}

func (e *engine) remembered() int {
	entries := 0
	for _, c := range e.caches {
		entries += c.Len()
	}
	return entries
}

// leftAlone counts each registry once, for whatever it is left alone.
func (e *engine) leftAlone() int {
	domains := make(map[string]bool)
	e.circuits.AddResting(domains)
	for _, b := range e.backoffs {
		b.AddResting(domains)
	}
	return len(domains)
}

// newChecker returns a Checker for a command that ends with its answer, and of which nobody wants numbers.
func newChecker(
	c config.Configuration, creds preflight.Credentials, nodes preflight.Nodes, options registry.Options,
) (*preflight.Checker, error) {
	e, err := newEngine(c, options, nil, clock.RealClock{})
	if err != nil {
		return nil, err
	}
	return e.checker(creds, nodes), nil
}
