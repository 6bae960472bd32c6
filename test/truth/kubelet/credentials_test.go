package kubelet

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
)

const (
	// defaultCases and defaultSeed are what is run unless TRUTH_CASES and TRUTH_SEED say otherwise.
	defaultCases = 10_000
	defaultSeed  = 1
	// attempts bounds how often the kubelet is asked again: it ranges over a map, so that of two entries of one file that
	// come down to the same key either may be the first.
	attempts = 5000
	// enough differences end the test.
	enough = 10
)

// TestCredentials asks both witnesses about made-up cases.
func TestCredentials(t *testing.T) {
	n := newNode(t)
	seed, cases := setting(t, "TRUTH_SEED", defaultSeed), setting(t, "TRUTH_CASES", defaultCases)
	g := newGenerator(seed)
	seen := make(map[string]int)
	differing := 0
	for i := range cases {
		s := g.scenario()
		n.put(t, s)
		got, want := n.askPullgate(t, s), n.askKubelet(s)
		for range attempts {
			if slices.Equal(got, want) {
				break
			}
			want = n.askKubelet(s)
		}
		seen[outcome(want)]++
		if slices.Equal(got, want) {
			continue
		}
		t.Errorf("Pullgate: %q, kubelet: %q\n%s", got, want, s.row(fmt.Sprintf("seed %d, case %d", seed, i), want))
		if differing++; differing == enough {
			t.Fatalf("%d of the first %d cases of seed %d differ", differing, i+1, seed)
		}
	}
	t.Logf("%d cases of seed %d, %d differ; the kubelet's answers: %v", cases, seed, differing, seen)
	for _, kind := range []string{broken, "nothing", "one", "several"} {
		if cases >= defaultCases && seen[kind] < int(cases)/50 {
			t.Errorf("%d answers are %q: the cases have lost their variety", seen[kind], kind)
		}
	}
}

// outcome is a kind of answer.
func outcome(answer []string) string {
	switch {
	case len(answer) == 0:
		return "nothing"
	case answer[0] == broken:
		return broken
	case len(answer) == 1:
		return "one"
	}
	return "several"
}

// setting reads a number from the environment.
func setting(t *testing.T, name string, without uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return without
	}
	number, err := strconv.ParseUint(text, 10, 63)
	must(t, err)
	return number
}
