package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/pullgate/pullgate/webhook"
)

const (
	// probeTimeout bounds one request of the gate.
	probeTimeout = 5 * time.Second
	// gateLogInterval is the time between two messages about an API server that cannot be used.
	gateLogInterval = 30 * time.Second
)

// apiServerGate starts the manager's cache after the API server has listed a namespace. All other runnables start after the cache.
// An informer would retry too, but with delays of up to a minute: a replica that has waited for a long time would be late.
type apiServerGate struct {
	log *slog.Logger
	// problem is the cause for which the gate is closed, or nil.
	problem atomic.Pointer[error]
	// synced reports whether the cache has all namespaces.
	synced atomic.Bool
	// ended is closed when the manager must stop. It stops a manager's cache only after its first sync.
	ended <-chan struct{}
}

func newAPIServerGate(log *slog.Logger, ended <-chan struct{}) *apiServerGate {
	g := &apiServerGate{log: log, ended: ended}
	g.close(errors.New("the API server has not responded yet"))
	return g
}

func (g *apiServerGate) close(cause error) { g.problem.Store(&cause) }

// check is the readiness check of the API server. It passes once the namespaces are known.
func (g *apiServerGate) check(*http.Request) error {
	if problem := g.problem.Load(); problem != nil {
		return *problem
	}
	if !g.synced.Load() {
		return errors.New("the namespaces are not known yet")
	}
	return nil
}

// newCache implements cache.NewCacheFunc.
func (g *apiServerGate) newCache(config *rest.Config, o cache.Options) (cache.Cache, error) {
	reader, err := client.New(config, client.Options{HTTPClient: o.HTTPClient, Scheme: o.Scheme, Mapper: o.Mapper})
	if err != nil {
		return nil, fmt.Errorf("making the API client: %w", err)
	}
	c, err := cache.New(config, o)
	if err != nil {
		return nil, err
	}
	return &gatedCache{Cache: c, gate: g, reader: reader}, nil
}

// gatedCache is a cache that waits for the API server.
type gatedCache struct {
	cache.Cache
	gate   *apiServerGate
	reader client.Reader
}

// Start implements manager.Runnable.
func (c *gatedCache) Start(ctx context.Context) error {
	if !c.gate.await(ctx, c.probe) {
		return nil
	}
	return c.Cache.Start(ctx)
}

// WaitForCacheSync implements cache.Informers. It also returns true at the end of the process, since a manager that must stop
// would wait for the sync otherwise.
func (c *gatedCache) WaitForCacheSync(ctx context.Context) bool {
	ctx, cancel := untilClosed(ctx, c.gate.ended)
	defer cancel()
	if c.Cache.WaitForCacheSync(ctx) {
		c.gate.synced.Store(true)
		return true
	}
	return isClosed(c.gate.ended)
}

// untilClosed returns a context that also ends when the channel is closed.
func untilClosed(parent context.Context, ended <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// probe sends the request with which the cache begins, for one namespace.
func (c *gatedCache) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(webhook.NewNamespaceMetadata().GroupVersionKind())
	list.Kind += "List"
	if err := c.reader.List(ctx, list, client.Limit(1)); err != nil {
		return fmt.Errorf("listing namespaces: %w", err)
	}
	return nil
}

// await repeats the probe until it succeeds, and reports whether it did before the end of the context and of the process.
func (g *apiServerGate) await(ctx context.Context, probe func(context.Context) error) bool {
	ctx, cancel := untilClosed(ctx, g.ended)
	defer cancel()
	delay := wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 10, Cap: 2 * time.Second}
	var logged time.Time
	for {
		err := probe(ctx)
		if err == nil {
			g.problem.Store(nil)
			return true
		}
		g.close(err)
		if ctx.Err() == nil && time.Since(logged) >= gateLogInterval {
			g.log.WarnContext(ctx, "waiting for the API server", "cause", err.Error())
			logged = time.Now()
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(delay.Step()):
		}
	}
}
