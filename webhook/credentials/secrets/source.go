package secrets

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
)

// maxSecrets bounds the pull secrets that are read for one pod. The API server has no limit, so the author of a pod could
// otherwise cause tens of thousands of requests. The remaining secrets count as unreadable.
const maxSecrets = 64

// Client reads secrets and service accounts from the API server. CoreV1Interface of client-go implements it. Only get is
// used, always with a name: a Source needs no right to list or watch secrets.
type Client interface {
	corev1client.SecretsGetter
	corev1client.ServiceAccountsGetter
}

// Options configure a Source.
type Options struct {
	// Client reads secrets and service accounts. It is required.
	Client Client
	// Clock decides whether a cached object has expired; the real clock when nil.
	Clock clock.PassiveClock
	// MaxEntries bounds the cached secrets and the cached service accounts. Zero means 512 of each, at most 64 MiB together
	// with the bound on the size of one.
	MaxEntries int
}

// Source reads the pull secrets of pods from the API server. It is safe for concurrent use.
type Source struct {
	client    Client
	secrets   *cache[contents]
	accounts  *cache[[]string]
	refresher *refresher
}

var _ credentials.Source = (*Source)(nil)

// NewSource returns a Source, or an error if an option is invalid.
func NewSource(o Options) (*Source, error) {
	if o.Client == nil {
		return nil, errors.New("a client is required")
	}
	if o.Clock == nil {
		o.Clock = clock.RealClock{}
	}
	if o.MaxEntries == 0 {
		o.MaxEntries = 512
	}
	s := &Source{client: o.Client, refresher: newRefresher()}
	var err error
	if s.secrets, err = newCache(o, s.refresher, s.fetchSecret, contents.size); err != nil {
		return nil, fmt.Errorf("making the cache of secrets: %w", err)
	}
	if s.accounts, err = newCache(o, s.refresher, s.fetchAccount, sizeOfNames); err != nil {
		return nil, fmt.Errorf("making the cache of service accounts: %w", err)
	}
	return s, nil
}

// Close ends the reads in the background and waits for them. None starts after Close.
func (s *Source) Close() { s.refresher.close() }

// Credentials returns the set of a pod. Objects that were read within the last 30 seconds come from a cache. Objects
// older than two seconds are then read again in the background, for the next pod. Objects that are not read before the
// context ends are unreadable.
func (s *Source) Credentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	c := collector{Source: s, useCache: true}
	return c.collect(ctx, pod)
}

// FreshCredentials returns the set of a pod and reads every object from the API server. Call it before a denial: a secret
// may just have been corrected or added to the service account.
func (s *Source) FreshCredentials(ctx context.Context, pod imagepull.Pod) credentials.Set {
	c := collector{Source: s}
	return c.collect(ctx, pod)
}

// collector collects the set of one pod.
type collector struct {
	*Source
	useCache bool
	set      credentials.Set
}

// collect reads all pull secrets of a pod in parallel.
func (c *collector) collect(ctx context.Context, pod imagepull.Pod) credentials.Set {
	names := c.names(ctx, pod)
	results := make([]result, len(names))
	var reads parallel.Group
	source := c.Source // the goroutines do not capture c, so that it stays on the stack
	for i, name := range names {
		object := types.NamespacedName{Namespace: pod.Namespace, Name: name}
		if c.useCache {
			if cached, ok := c.secrets.get(object); ok {
				results[i] = result{contents: cached}
				c.set.FromCache = true
				continue
			}
		}
		reads.Go(func() { results[i] = source.readSecret(ctx, object) })
	}
	reads.Wait()
	keyrings := make([]credentials.Keyring, len(names))
	for i, r := range results {
		keyrings[i] = r.contents.keyring
		r.addTo(&c.set, names[i])
	}
	c.set.Keyring = credentials.Merge(keyrings...)
	return c.set
}

// names returns the pull secrets to read, in the pod's order. It drops repeated names, because a second attempt with the
// same credential changes nothing, and empty names, as the kubelet does.
func (c *collector) names(ctx context.Context, pod imagepull.Pod) []string {
	listed := pod.PullSecrets
	// The API server's ServiceAccount admission plugin does not merge the lists: it copies the account's list if the pod has
	// none.
	if len(listed) == 0 && pod.ServiceAccount != "" {
		listed = c.accountSecrets(ctx, types.NamespacedName{Namespace: pod.Namespace, Name: pod.ServiceAccount})
	}
	var names []string
	for _, name := range listed {
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if len(names) == maxSecrets {
			c.set.Unreadable = append(c.set.Unreadable, credentials.Problem{
				Subject: fmt.Sprintf("pull secret %q and those after it", name),
				Detail:  fmt.Sprintf("only the first %d pull secrets of a pod are read", maxSecrets),
			})
			break
		}
		names = append(names, name)
	}
	return names
}

// accountSecrets returns the pull secrets of a service account. An account that does not exist has none.
func (c *collector) accountSecrets(ctx context.Context, account types.NamespacedName) []string {
	if c.useCache {
		if names, ok := c.accounts.get(account); ok {
			c.set.FromCache = true
			return names
		}
	}
	names, problem := c.readAccount(ctx, account)
	if !problem.IsZero() {
		c.set.Unreadable = append(c.set.Unreadable, problem)
	}
	return names
}
