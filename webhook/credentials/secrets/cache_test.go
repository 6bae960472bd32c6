package secrets

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/credentials"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// testEntries is the maximum number of entries of a test's cache.
const testEntries = 8

// entryBytes returns the estimated size of a keyring entry without key, user and password.
func entryBytes() int { return credentials.NewKeyring(credentials.DockerConfig{"": {}}).Size() }

func named(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "shop", Name: name}
}

func newTestCache(t *testing.T) (*cache[contents], *clocktesting.FakePassiveClock) {
	t.Helper()
	clock := newClock()
	c, err := newCache(clock, testEntries, contents.size)
	if err != nil {
		t.Fatalf("newCache() error = %v, want none", err)
	}
	return c, clock
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	for i := range testEntries + 10 {
		c.put(named(fmt.Sprint(i)), contents{}, clock.Now())
	}
	if got := c.entries.Len(); got != testEntries {
		t.Errorf("%d entries, want %d", got, testEntries)
	}
	if _, ok := c.entries.Get(named("0")); ok {
		t.Error("the oldest entry is cached, want it evicted")
	}
	if _, ok := c.entries.Get(named(fmt.Sprint(testEntries + 9))); !ok {
		t.Error("the newest entry is not cached")
	}
}

func TestCacheDeletesExpiredEntries(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	c.put(named("a"), contents{}, clock.Now())
	c.put(named("b"), contents{}, clock.Now())
	clock.SetTime(clock.Now().Add(cacheTTL / 2))
	c.put(named("c"), contents{}, clock.Now())
	c.entries.Get(named("a"))
	clock.SetTime(clock.Now().Add(cacheTTL / 2))
	c.put(named("d"), contents{}, clock.Now())
	for name, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true} {
		if _, got := c.entries.GetStale(named(name)); got != want {
			t.Errorf("%s is in memory: %t, want %t", name, got, want)
		}
	}
}

func TestCacheTTLStartsWithTheRequest(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	requested := clock.Now()
	clock.SetTime(requested.Add(cacheTTL))
	c.put(named("slow"), contents{}, requested)
	if _, ok := c.entries.Get(named("slow")); ok {
		t.Error("an object whose request took the whole TTL is fresh")
	}
}

func TestCacheRejectsLargeSecrets(t *testing.T) {
	t.Parallel()
	secret := func(size int) contents {
		credential := imagepull.Credential{Password: strings.Repeat("p", size-entryBytes()-len("r"))}
		return contents{keyring: credentials.NewKeyring(credentials.DockerConfig{"r": credential})}
	}
	many := make(credentials.DockerConfig)
	for i := range maxObjectBytes/entryBytes() + 1 {
		many[fmt.Sprint(i)] = imagepull.Credential{}
	}
	for name, test := range map[string]struct {
		contents contents
		want     bool
	}{
		"largest allowed":    {secret(maxObjectBytes), true},
		"one byte too large": {secret(maxObjectBytes + 1), false},
		"many small entries": {contents{keyring: credentials.NewKeyring(many)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, clock := newTestCache(t)
			c.put(named("regcred"), contents{}, clock.Now())
			c.put(named("regcred"), test.contents, clock.Now())
			got, ok := c.entries.Get(named("regcred"))
			if ok != test.want {
				t.Fatalf("cached: %t, want %t", ok, test.want)
			}
			if ok && !got.keyring.Equal(test.contents.keyring) {
				t.Error("the cache returns another keyring")
			}
		})
	}
}

// The users of a namespace write the lists of its service accounts.
func TestCacheRejectsLongListsOfNames(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c, err := newCache(clock, testEntries, sizeOfNames)
	if err != nil {
		t.Fatalf("newCache() error = %v, want none", err)
	}
	name := strings.Repeat("n", 48)
	for count, want := range map[int]bool{maxObjectBytes / (nameBytes + 48): true, maxObjectBytes/(nameBytes+48) + 1: false} {
		object := named(fmt.Sprint(count))
		c.put(object, slices.Repeat([]string{name}, count), clock.Now())
		if got, ok := c.entries.Get(object); ok != want || ok && len(got) != count {
			t.Errorf("%d names are cached: %t, want %t", count, ok, want)
		}
	}
}
