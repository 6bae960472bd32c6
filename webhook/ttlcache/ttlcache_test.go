package ttlcache_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/ttlcache"
)

const minute = time.Minute

// fixture is a cache whose clock and evictions the test controls.
type fixture struct {
	*ttlcache.Cache[string, string]
	clock   *clocktesting.FakePassiveClock
	evicted []string
}

func newFixture(t *testing.T, entries, bytes int) *fixture {
	t.Helper()
	f := &fixture{clock: clocktesting.NewFakePassiveClock(time.Unix(0, 0))}
	cache, err := ttlcache.New(ttlcache.Options[string, string]{
		MaxEntries: entries, MaxBytes: bytes,
		Size:    func(_, value string) int { return len(value) },
		OnEvict: func(key, _ string) { f.evicted = append(f.evicted, key) },
		Clock:   f.clock,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.Cache = cache
	return f
}

func (f *fixture) put(key, value string, ttl time.Duration) {
	f.Put(key, value, f.clock.Now().Add(ttl))
}

func (f *fixture) after(d time.Duration) { f.clock.SetTime(f.clock.Now().Add(d)) }

func TestNewRejectsACacheWithoutABound(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]ttlcache.Options[string, string]{
		"no entries":         {},
		"bytes without size": {MaxEntries: 1, MaxBytes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ttlcache.New(options); err == nil {
				t.Error("New() returned no error")
			}
		})
	}
}

func TestEntriesExpire(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		after     time.Duration
		wantFresh bool
	}{
		"before the expiry": {minute - 1, true},
		"at the expiry":     {minute, false},
		"after the expiry":  {minute + 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, 2, 0)
			f.put("a", "value", minute)
			f.after(test.after)
			if _, fresh := f.Get("a"); fresh != test.wantFresh {
				t.Errorf("Get() fresh = %v, want %v", fresh, test.wantFresh)
			}
			if value, ok := f.GetStale("a"); !ok || value != "value" {
				t.Errorf("GetStale() = %q, %v, want the value", value, ok)
			}
		})
	}
}

func TestNeverExpires(t *testing.T) {
	t.Parallel()
	f := newFixture(t, 1, 0)
	f.Put("a", "value", ttlcache.Never())
	f.after(100 * 365 * 24 * time.Hour)
	if _, fresh := f.Get("a"); !fresh {
		t.Error("the entry has expired")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		entries, bytes int
		do             func(*fixture)
		want, evicted  []string
	}{
		"the least recently put entry is evicted first": {
			entries: 2, do: func(f *fixture) { f.put("c", "3", minute) },
			want: []string{"2", "3"}, evicted: []string{"a"},
		},
		"the least recently used entry is evicted first": {
			entries: 2, do: func(f *fixture) { f.Get("a"); f.put("c", "3", minute) },
			want: []string{"1", "3"}, evicted: []string{"b"},
		},
		"a large entry evicts as many as it needs": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.put("c", "333", minute) },
			want: []string{"333"}, evicted: []string{"a", "b"},
		},
		"an entry that fits evicts none": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.put("c", "3", minute) },
			want: []string{"1", "2", "3"},
		},
		"an entry over the bound by itself is not stored": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.put("c", "4444", minute) },
			want: []string{"1", "2"},
		},
		"an entry over the bound by itself removes its key": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.put("a", "4444", minute) },
			want: []string{"2"}, evicted: []string{"a"},
		},
		"a replaced value no longer counts": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.put("a", "11", minute); f.put("a", "22", minute) },
			want: []string{"2", "22"}, evicted: []string{"a", "a"},
		},
		"a deleted value no longer counts": {
			entries: 9, bytes: 3, do: func(f *fixture) { f.Delete("a"); f.put("c", "33", minute) },
			want: []string{"2", "33"}, evicted: []string{"a"},
		},
		"DeleteExpired removes expired entries only": {
			entries: 9, do: func(f *fixture) { f.put("c", "3", 2*minute); f.after(minute); f.DeleteExpired() },
			want: []string{"3"}, evicted: []string{"a", "b"},
		},
		"Clear removes all entries": {
			entries: 9, do: func(f *fixture) { f.Clear() }, evicted: []string{"a", "b"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, test.entries, test.bytes)
			f.put("a", "1", minute)
			f.put("b", "2", minute)
			test.do(f)
			got := f.Values()
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("values (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.evicted, f.evicted); diff != "" {
				t.Errorf("evicted (-want +got):\n%s", diff)
			}
			if f.Len() != len(test.want) {
				t.Errorf("Len() = %d, want %d", f.Len(), len(test.want))
			}
		})
	}
}
