package kubelet

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
)

const (
	// defaultCases and defaultSeed are the defaults of TRUTH_CASES and TRUTH_SEED.
	defaultCases = 10_000
	defaultSeed  = 1
	// attempts bounds the repeated lookups. The kubelet iterates over a map: of two equivalent keys of one file,
	// either may be the first.
	attempts = 5000
	// enough is the number of differences that ends the test.
	enough = 10
)

// TestCredentials compares both sides in random cases.
func TestCredentials(t *testing.T) {
	n := newNode(t)
	seed, cases := setting(t, "TRUTH_SEED", defaultSeed), setting(t, "TRUTH_CASES", defaultCases)
	g := newGenerator(seed)
	counts := make(map[string]int)
	differing := 0
	for i := range cases {
		s := g.scenario()
		n.put(t, s)
		got, want := n.pullgateCredentials(t, s), n.kubeletCredentials(s)
		for range attempts {
			if slices.Equal(got, want) {
				break
			}
			want = n.kubeletCredentials(s)
		}
		counts[outcome(want)]++
		if slices.Equal(got, want) {
			continue
		}
		t.Errorf("Pullgate: %q, kubelet: %q\n%s", got, want, s.row(fmt.Sprintf("seed %d, case %d", seed, i), want))
		if differing++; differing == enough {
			t.Fatalf("%d of the first %d cases of seed %d differ", differing, i+1, seed)
		}
	}
	t.Logf("%d cases of seed %d, %d differ; the kubelet's results: %v", cases, seed, differing, counts)
	for _, kind := range []string{broken, "nothing", "one", "several"} {
		if cases >= defaultCases && counts[kind] < int(cases)/50 {
			t.Errorf("only %d results are %q: the cases vary too little", counts[kind], kind)
		}
	}
}

// outcome classifies a result.
func outcome(result []string) string {
	switch {
	case len(result) == 0:
		return "nothing"
	case result[0] == broken:
		return broken
	case len(result) == 1:
		return "one"
	}
	return "several"
}

// setting returns a number from the environment, or the default.
func setting(t *testing.T, name string, fallback uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	number, err := strconv.ParseUint(text, 10, 63)
	must(t, err)
	return number
}
