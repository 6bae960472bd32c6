package secrets

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
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
	return cacheOf(t, clock, contents.size), clock
}

func cacheOf[V any](t *testing.T, clock *clocktesting.FakePassiveClock, size func(V) int) *cache[V] {
	t.Helper()
	c, err := newCache(Options{Clock: clock, MaxEntries: testEntries}, newRefresher(), nil, size)
	if err != nil {
		t.Fatalf("newCache() error = %v, want none", err)
	}
	return c
}

// store stores the response to a request that took some time.
func store[V any](t *testing.T, c *cache[V], clock *clocktesting.FakePassiveClock, name string, value V, took time.Duration) {
	t.Helper()
	c.fetch = func(context.Context, types.NamespacedName) (V, error) {
		clock.SetTime(clock.Now().Add(took))
		return value, nil
	}
	if _, err := c.read(t.Context(), named(name)); err != nil {
		t.Fatal(err)
	}
}

func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	c, clock := newTestCache(t)
	for i := range testEntries + 10 {
		store(t, c, clock, fmt.Sprint(i), contents{}, 0)
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
	store(t, c, clock, "a", contents{}, 0)
	store(t, c, clock, "b", contents{}, 0)
	clock.SetTime(clock.Now().Add(maxAge / 2))
	store(t, c, clock, "c", contents{}, 0)
	c.entries.Get(named("a"))
	clock.SetTime(clock.Now().Add(maxAge / 2))
	store(t, c, clock, "d", contents{}, 0)
	for name, want := range map[string]bool{"a": false, "b": false, "c": true, "d": true} {
		if _, got := c.entries.GetStale(named(name)); got != want {
			t.Errorf("%s is in memory: %t, want %t", name, got, want)
		}
	}
}

func TestCacheAgeStartsWithTheRequest(t *testing.T) {
	t.Parallel()
	for took, want := range map[time.Duration]bool{maxAge - 1: true, maxAge: false} {
		c, clock := newTestCache(t)
		store(t, c, clock, "slow", contents{}, took)
		if _, got := c.entries.Get(named("slow")); got != want {
			t.Errorf("an object whose request took %v is cached: %t, want %t", took, got, want)
		}
	}
}

func TestCacheKeepsTheNewerResponse(t *testing.T) {
	t.Parallel()
	gone := apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, "regcred")
	for name, err := range map[string]error{"an object": nil, "no object": gone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, clock := newTestCache(t)
			c.fetch = func(context.Context, types.NamespacedName) (contents, error) {
				// Another request starts and ends while this one waits for its response.
				clock.SetTime(clock.Now().Add(time.Second))
				store(t, c, clock, "regcred", contents{ignored: "newer"}, 0)
				return contents{ignored: "older"}, err
			}
			if got, _ := c.read(t.Context(), named("regcred")); got.ignored != "older" {
				t.Errorf("read() = %q, want its own response", got.ignored)
			}
			if e, _ := c.entries.Get(named("regcred")); e.value.ignored != "newer" {
				t.Errorf("the cache has %q, want the newer response", e.value.ignored)
			}
		})
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
			store(t, c, clock, "regcred", contents{}, 0)
			store(t, c, clock, "regcred", test.contents, 0)
			got, ok := c.entries.Get(named("regcred"))
			if ok != test.want {
				t.Fatalf("cached: %t, want %t", ok, test.want)
			}
			if ok && !got.value.keyring.Equal(test.contents.keyring) {
				t.Error("the cache returns another keyring")
			}
		})
	}
}

// The users of a namespace write the lists of its service accounts.
func TestCacheRejectsLongListsOfNames(t *testing.T) {
	t.Parallel()
	clock := newClock()
	c := cacheOf(t, clock, sizeOfNames)
	name := strings.Repeat("n", 48)
	for count, want := range map[int]bool{maxObjectBytes / (nameBytes + 48): true, maxObjectBytes/(nameBytes+48) + 1: false} {
		object := fmt.Sprint(count)
		store(t, c, clock, object, slices.Repeat([]string{name}, count), 0)
		if got, ok := c.entries.Get(named(object)); ok != want || ok && len(got.value) != count {
			t.Errorf("%d names are cached: %t, want %t", count, ok, want)
		}
	}
}
