//go:build cluster

package live

import (
	"os"
	"strconv"
	"sync"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pullgate/pullgate/test/truth"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

// number reads an environment variable that the Makefile sets.
func number(t *testing.T, name string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		t.Fatalf(`%s is no number: run "make truth-random SEED=1 N=300"`, name)
	}
	return n
}

// Pullgate foretells what the kubelet does in scenarios that nobody thought of. One in which it doesn't is printed, as a file
// for the folder of scenarios.
func TestRandom(t *testing.T) {
	all := truth.Generate(number(t, "TRUTH_SEED"), int(number(t, "TRUTH_CASES")))
	s := raise(t, all)
	var (
		mu     sync.Mutex
		counts = map[string]int{}
	)
	play := func(t *testing.T, chosen []*truth.Scenario) {
		for _, scenario := range chosen {
			t.Run(scenario.Name, func(t *testing.T) {
				t.Parallel()
				foretold, recorded := s.perform(t, scenario)
				// Nothing else was expected.
				scenario.Expect = foretold.Reason
				if problem := scenario.Problem(recorded, foretold); problem != "" {
					t.Error(problem)
				}
				t.Logf("the kubelet: %s %s; Pullgate: %s: %s", recorded.Outcome, recorded.Message, foretold.Reason, foretold.Detail)
				if t.Failed() {
					printScenario(t, scenario)
				}
				mu.Lock()
				defer mu.Unlock()
				counts[string(recorded.Outcome)+", foretold as "+foretold.Outcome.String()]++
				if foretold.Outcome == imagepull.Indeterminate {
					counts["doubt: "+string(foretold.Reason)]++
				}
			})
		}
	}
	cached, others := apart(all, (*truth.Scenario).AsksWhatNodesHold)
	t.Run("cached", func(t *testing.T) { play(t, cached) })
	t.Run("scenarios", func(t *testing.T) { play(t, others) })
	for what, count := range counts {
		t.Logf("%4d %s", count, what)
	}
}

func printScenario(t *testing.T, scenario *truth.Scenario) {
	t.Helper()
	text, err := yaml.Marshal(scenario)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the scenario:\n%s", text)
}
