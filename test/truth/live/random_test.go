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

// number returns an environment variable that the Makefile sets.
func number(t *testing.T, name string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv(name), 10, 64)
	if err != nil {
		t.Fatalf(`%s is not a number: run "make truth-random SEED=1 N=300"`, name)
	}
	return n
}

// TestRandom checks that Pullgate predicts the result on the kubelet in random scenarios. A scenario that fails is
// printed as a file for the folder of scenarios.
func TestRandom(t *testing.T) {
	all := truth.Generate(number(t, "TRUTH_SEED"), int(number(t, "TRUTH_CASES")))
	s := startCluster(t, all)
	var (
		mu     sync.Mutex
		counts = map[string]int{}
	)
	s.runAll(t, all, func(t *testing.T, scenario *truth.Scenario) {
		predicted, recorded := s.run(t, scenario)
		// A random scenario expects no reason.
		scenario.Expect = predicted.Reason
		if problem := scenario.Problem(recorded, predicted); problem != "" {
			t.Error(problem)
		}
		t.Logf("the kubelet: %s %s; Pullgate: %s: %s", recorded.Outcome, recorded.Message, predicted.Reason, predicted.Detail)
		if t.Failed() {
			printScenario(t, scenario)
		}
		mu.Lock()
		defer mu.Unlock()
		counts[string(recorded.Outcome)+", predicted as "+predicted.Outcome.String()]++
		if predicted.Outcome == imagepull.Indeterminate {
			counts["indeterminate: "+string(predicted.Reason)]++
		}
	})
	for key, count := range counts {
		t.Logf("%4d %s", count, key)
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
