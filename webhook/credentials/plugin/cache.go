package plugin

import (
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const (
	// maxCachedResponses bounds the cached responses of one provider. The kubelet has no bound, but it sees the images of one
	// node only. Together with maxResponseBytes it makes 64 MiB at most.
	maxCachedResponses = 1024
	// maxResponseBytes is the size of the largest keyring that is cached.
	maxResponseBytes = 64 << 10
)

// responseCache holds the responses of one provider.
type responseCache struct {
	clock clock.PassiveClock
	// defaultDuration is for responses without a duration.
	defaultDuration time.Duration
	keyrings        *ttlcache.Cache[string, credentials.Keyring]
}

func newResponseCache(c clock.PassiveClock, defaultDuration time.Duration) (*responseCache, error) {
	keyrings, err := ttlcache.New(ttlcache.Options[string, credentials.Keyring]{MaxEntries: maxCachedResponses, Clock: c})
	if err != nil {
		return nil, err
	}
	return &responseCache{clock: c, defaultDuration: defaultDuration, keyrings: keyrings}, nil
}

// cacheKeys returns the keys under which a response for a repository may be cached, in the kubelet's order: repository,
// registry, global (kubelet: pkg/credentialprovider/plugin/plugin.go, getCachedCredentials). The global key is not a
// valid repository.
func cacheKeys(repository string) (image, registry, global string) {
	registry, _, _ = strings.Cut(repository, "/")
	return repository, registry, "<global>"
}

// get returns a fresh response for a repository.
func (c *responseCache) get(repository string) (credentials.Keyring, bool) {
	image, registry, global := cacheKeys(repository)
	for _, key := range []string{image, registry, global} {
		if keyring, ok := c.keyrings.Get(key); ok {
			return keyring, true
		}
	}
	return credentials.Keyring{}, false
}

// put stores a response for its own duration, or else for the default duration. Zero means that the response must not be
// cached. It deletes all expired entries first, so that a credential stays in memory no longer than until the next response
// after its expiry.
func (c *responseCache) put(key string, keyring credentials.Keyring, own *metav1.Duration) {
	c.keyrings.DeleteExpired()
	duration := c.defaultDuration
	if own != nil {
		duration = own.Duration
	}
	if duration > 0 && keyring.Size() <= maxResponseBytes {
		// The kubelet uses a response at the very time of its expiry, ttlcache does not.
		c.keyrings.Put(key, keyring, c.clock.Now().Add(duration).Add(time.Nanosecond))
	}
}
