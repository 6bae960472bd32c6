package credentials

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"
)

// memorySecrets is how many secrets the memory of a test holds.
const memorySecrets = 8

func newTestMemory(t *testing.T) (*memory[contents], *clocktesting.FakePassiveClock) {
	t.Helper()
	c := clocktesting.NewFakePassiveClock(time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC))
	m, err := newMemory(c, memorySecrets, func(c contents) int { return c.ring.size() })
	if err != nil {
		t.Fatalf("newMemory() error = %v, want none", err)
	}
	return m, c
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m, c := newTestMemory(t)
	for i := range memorySecrets + 10 {
		m.keep(id{"shop", fmt.Sprint(i)}, contents{}, c.Now())
	}
	if got := m.held.Len(); got != memorySecrets {
		t.Errorf("holds %d secrets, want %d", got, memorySecrets)
	}
	if _, ok := m.recall(id{"shop", "0"}); ok {
		t.Error("the oldest is remembered, want it to have made room")
	}
	if _, ok := m.recall(id{"shop", fmt.Sprint(memorySecrets + 9)}); !ok {
		t.Error("the newest is not remembered")
	}
}

func TestMemorySweepsWhatIsOld(t *testing.T) {
	t.Parallel()
	m, c := newTestMemory(t)
	m.keep(id{"shop", "a"}, contents{}, c.Now())
	m.keep(id{"shop", "b"}, contents{}, c.Now())
	c.SetTime(c.Now().Add(memoryTTL / 2))
	m.keep(id{"shop", "c"}, contents{}, c.Now())
	m.recall(id{"shop", "a"})
	c.SetTime(c.Now().Add(memoryTTL / 2))
	m.keep(id{"shop", "d"}, contents{}, c.Now())
	want := []id{{"shop", "c"}, {"shop", "d"}}
	if diff := cmp.Diff(want, m.held.Keys(), cmp.AllowUnexported(id{})); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
}

func TestMemoryCountsFromTheQuestion(t *testing.T) {
	t.Parallel()
	m, c := newTestMemory(t)
	asked := c.Now()
	c.SetTime(asked.Add(memoryTTL))
	m.keep(id{"shop", "slow"}, contents{}, asked)
	if _, ok := m.recall(id{"shop", "slow"}); ok {
		t.Error("an answer that took as long as it is good for is remembered")
	}
}

func TestMemoryKeepsNothingLarge(t *testing.T) {
	t.Parallel()
	secret := func(size int) contents {
		return contents{ring: newKeyring([]entry{{registry: strings.Repeat("r", size-keyBytes)}})}
	}
	many := contents{ring: newKeyring(make([]entry, memoryBytes/keyBytes+1))}
	for name, test := range map[string]struct {
		contents contents
		want     bool
	}{
		"as large as allowed": {secret(memoryBytes), true},
		"larger":              {secret(memoryBytes + 1), false},
		"many small entries":  {many, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, c := newTestMemory(t)
			m.keep(id{"shop", "regcred"}, contents{}, c.Now())
			m.keep(id{"shop", "regcred"}, test.contents, c.Now())
			got, ok := m.recall(id{"shop", "regcred"})
			if ok != test.want {
				t.Fatalf("remembered: %t, want %t", ok, test.want)
			}
			if ok && !got.ring.equal(test.contents.ring) {
				t.Error("remembered another ring")
			}
		})
	}
}

// TestMemoryKeepsNoLongListOfNames, which anybody could put into a service account.
func TestMemoryKeepsNoLongListOfNames(t *testing.T) {
	t.Parallel()
	_, c := newTestMemory(t)
	m, err := newMemory(c, memorySecrets, sizeOfNames)
	if err != nil {
		t.Fatalf("newMemory() error = %v, want none", err)
	}
	name := strings.Repeat("n", 48)
	for count, want := range map[int]bool{memoryBytes / (nameBytes + 48): true, memoryBytes/(nameBytes+48) + 1: false} {
		of := id{"shop", fmt.Sprint(count)}
		m.keep(of, slices.Repeat([]string{name}, count), c.Now())
		if got, ok := m.recall(of); ok != want || ok && len(got) != count {
			t.Errorf("%d names are remembered: %t, want %t", count, ok, want)
		}
	}
}
