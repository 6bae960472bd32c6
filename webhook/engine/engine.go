package engine

import (
	"context"
	"fmt"
	"reflect"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/hostpattern"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/metrics"
	"github.com/pullgate/pullgate/webhook/nodes"
	"github.com/pullgate/pullgate/webhook/preflight"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// Engine checks the images of pods. It is safe for concurrent use.
type Engine struct {
	options Options
	checker *preflight.Checker
	// profile has the limit of the lists of images that nodes report.
	profile nodes.Profile
	*lookups
}

// New returns an Engine for a valid configuration. An error names the configuration key or the variable that is wrong.
func New(c config.Configuration, o Options) (*Engine, error) {
	o = o.withDefaults()
	l, err := newLookups(c, o)
	if err != nil {
		return nil, err
	}
	return withLookups(c, o, l)
}

// Reconfigure returns an engine for another valid configuration and the cluster that goes with it. The new engine shares the cached
// verdicts, backoffs, circuits and connections of e, unless a key has changed that they depend on: it then begins without them. Both
// engines can be used, and must be closed.
func (e *Engine) Reconfigure(c config.Configuration, cluster Cluster) (*Engine, error) {
	o, l := e.options, e.lookups
	o.Cluster = cluster
	if !reflect.DeepEqual(lookupKeys(c), l.keys) {
		var err error
		if l, err = newLookups(c, o); err != nil {
			return nil, err
		}
	}
	return withLookups(c, o, l)
}

// withLookups returns an engine that uses the lookups.
func withLookups(c config.Configuration, o Options, l *lookups) (e *Engine, err error) {
	l.users.Add(1)
	defer func() {
		if err != nil {
			l.release()
		}
	}()
	if o.Cluster.Nodes == nil {
		declared, err := parsePlatforms(c.Nodes.Platforms)
		if err != nil {
			return nil, err
		}
		o.Cluster.Nodes = nodes.Declared(declared)
	}
	checks, err := l.checkerOptions(c)
	if err != nil {
		return nil, err
	}
	checks.Nodes = o.Cluster.Nodes
	profile := nodes.Profile{MaxReportedImages: c.Nodes.MaxReportedImages}
	return &Engine{options: o, checker: preflight.New(checks), profile: profile, lookups: l}, nil
}

// SharesLookups reports whether both engines use the same cached verdicts, backoffs, circuits and connections.
func (e *Engine) SharesLookups(other *Engine) bool { return e.lookups == other.lookups }

// checkerOptions returns the options of the checker, without nodes.
func (l *lookups) checkerOptions(c config.Configuration) (preflight.Options, error) {
	skipped, err := hostpattern.ParseHosts(c.SkipRegistries)
	if err != nil {
		return preflight.Options{}, fmt.Errorf("skipRegistries%w", err)
	}
	credentialed, err := hostpattern.ParseHosts(c.Nodes.CredentialedRegistries)
	if err != nil {
		return preflight.Options{}, fmt.Errorf("nodes.credentialedRegistries%w", err)
	}
	return preflight.Options{
		Resolver:               l.images,
		Cache:                  l.images,
		Manifests:              l.manifests,
		ManifestCache:          l.manifests,
		Contents:               l.contents,
		Credentials:            l.credentials,
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

// ReportedNodes counts the nodes by the images that they report. The counts are zero if the nodes are not watched.
func (e *Engine) ReportedNodes() nodes.Reported {
	if e.options.Cluster.Reported == nil {
		return nodes.Reported{}
	}
	return e.options.Cluster.Reported(e.profile)
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

// Retire closes an engine after its last check, when another engine has taken its place. Lookups may go on in the background, for
// callers that gave up: if no other engine shares them, Retire waits until they have ended, or until the context ends.
func (e *Engine) Retire(ctx context.Context) {
	if e.users.Load() == 1 {
		select {
		case <-e.options.Clock.After(e.timeout):
		case <-ctx.Done():
		}
	}
	e.Close()
}

// Close closes idle connections. It ends the credential provider plugins that run, and waits for them. It changes nothing that another
// engine uses. Close must be called once.
func (e *Engine) Close() { e.release() }
