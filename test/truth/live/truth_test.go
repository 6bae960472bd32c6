//go:build cluster

package live

import (
	"os"
	"sync"
	"testing"

	"github.com/pullgate/pullgate/test/truth"
)

const (
	scenarios = "../scenarios"
	report    = "../REPORT.md"
)

// recording reports whether the results on the kubelet are written to the files. Otherwise they are compared with the
// recorded ones.
func recording() bool { return os.Getenv("TRUTH_RECORD") != "" }

// TestTruth checks that Pullgate predicts the result on the kubelet in every scenario.
func TestTruth(t *testing.T) {
	all, err := truth.Load(os.DirFS(scenarios))
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := truth.Select(all, os.Getenv("TRUTH_ONLY"))
	if err != nil {
		t.Fatal(err)
	}
	s := startCluster(t, chosen)
	var (
		mu      sync.Mutex
		results []truth.Result
	)
	s.runAll(t, chosen, func(t *testing.T, scenario *truth.Scenario) {
		predicted, recorded := s.run(t, scenario)
		if problem := scenario.Problem(recorded, predicted); problem != "" {
			t.Error(problem)
		}
		recordOrCompare(t, scenario, recorded)
		mu.Lock()
		defer mu.Unlock()
		results = append(results, truth.Result{Scenario: scenario, Predicted: predicted, Kubelet: recorded})
	})
	if recording() && len(results) == len(all) {
		write(t, report, []byte(truth.Report(results)))
	}
}

// recordOrCompare writes the result on the kubelet, or compares it with the recorded one.
func recordOrCompare(t *testing.T, scenario *truth.Scenario, recorded truth.Recorded) {
	t.Helper()
	switch {
	case recording():
		if err := scenario.Record(scenarios, recorded); err != nil {
			t.Error(err)
		}
	case scenario.Kubelet == nil:
		t.Error(`the scenario has no record: run "make truth"`)
	case !scenario.Kubelet.Same(recorded):
		t.Errorf("the kubelet's result is %v, the recorded one %v", recorded, *scenario.Kubelet)
	}
}

// partition splits scenarios by the condition.
func partition(all []*truth.Scenario, condition func(*truth.Scenario) bool) (yes, no []*truth.Scenario) {
	for _, s := range all {
		if condition(s) {
			yes = append(yes, s)
		} else {
			no = append(no, s)
		}
	}
	return yes, no
}
