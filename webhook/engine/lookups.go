package engine

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// lookups are the parts of an engine that send requests, with their state: cached verdicts, backoffs, circuits, failed logins, tokens
// and connections, and the cached responses of credential provider plugins. Engines with the same keys share them.
type lookups struct {
	keys    config.Configuration
	limiter *resolve.Limiter
	// images resolves references, manifests checks that the manifests of an index exist, and contents reads manifests with all
	// that they refer to.
	images, manifests, contents *resolve.Resolver
	// credentials has the credentials of pods and nodes together.
	credentials credentials.Node
	// timeout bounds a lookup in the background.
	timeout time.Duration
	// closeConnections closes the idle connections to registries.
	closeConnections func()
	// endPlugins ends the credential provider plugins that run, and waits for them.
	endPlugins func()
	// users counts the engines that are not closed.
	users atomic.Int32
}

// lookupKeys returns a configuration with the keys that lookups depend on. The other keys are zero: they concern what is checked, what
// a response means for a pod, and the decision. A key that is not named here counts as one that lookups depend on.
func lookupKeys(c config.Configuration) config.Configuration {
	c.DefaultMode, c.Actions, c.Exemptions = "", nil, config.Exemptions{}
	c.SkipRegistries, c.Placeholders, c.Deep = nil, nil, false
	c.Timeouts.Headroom, c.Limits.UsesPerObject = 0, 0
	c.Nodes.Platforms, c.Nodes.Watch = nil, false
	c.Nodes.LocalImagePull, c.Nodes.CredentialedRegistries = false, nil
	c.Nodes.MaxReportedImages, c.Nodes.VerifyImages = 0, ""
	return c
}

// newLookups returns lookups without any state.
func newLookups(c config.Configuration, o Options) (*lookups, error) {
	l := &lookups{
		keys: lookupKeys(c), limiter: resolve.NewLimiter(c.Limits.Total, c.Limits.PerRegistry),
	}
	if err := l.makeResolvers(c, o); err != nil {
		return nil, err
	}
	var err error
	if l.credentials, l.endPlugins, err = newNodeCredentials(o.Credentials, c.Nodes, o.Environ, o.Log); err != nil {
		return nil, err
	}
	return l, nil
}

// makeResolvers sets the Resolvers. They share the registry client, the limiter, and the circuit breaker, and have caches and
// backoffs of their own. All caches have the same keys for credentials.
func (l *lookups) makeResolvers(c config.Configuration, o Options) error {
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
	l.closeConnections = client.Close
	options := resolveOptions(c, o.Clock)
	options.Limiter, options.Keyer, options.WithConfirmation = l.limiter, keyer, registry.WithConfirmation
	options.RoutedSince, options.ObserveCache = client.RoutedSince, o.ObserveCache
	l.timeout = options.Timeout
	var errs [3]error
	l.images, errs[0] = resolve.New(client, options)
	l.manifests, errs[1] = resolve.New(registry.NewManifestResolver(client), options)
	l.contents, errs[2] = resolve.New(registry.NewDeepResolver(client), options)
	return errors.Join(errs[:]...)
}

func (l *lookups) resolvers() []*resolve.Resolver {
	return []*resolve.Resolver{l.images, l.manifests, l.contents}
}

// release closes the lookups if no other engine uses them.
func (l *lookups) release() {
	if l.users.Add(-1) == 0 {
		l.closeConnections()
		l.endPlugins()
	}
}
