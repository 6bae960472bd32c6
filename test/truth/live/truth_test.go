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

// recording says that what the kubelet does is written down, and not only compared with what it did before.
func recording() bool { return os.Getenv("TRUTH_RECORD") != "" }

// Pullgate foretells what the kubelet does, in every scenario.
func TestTruth(t *testing.T) {
	all, err := truth.Load(os.DirFS(scenarios))
	if err != nil {
		t.Fatal(err)
	}
	s := raise(t, all)
	var (
		mu      sync.Mutex
		results []truth.Result
	)
	play := func(t *testing.T, chosen []*truth.Scenario) {
		for _, scenario := range chosen {
			t.Run(scenario.Name, func(t *testing.T) {
				t.Parallel()
				foretold, recorded := s.perform(t, scenario)
				if problem := scenario.Problem(recorded, foretold); problem != "" {
					t.Error(problem)
				}
				keep(t, scenario, recorded)
				mu.Lock()
				defer mu.Unlock()
				results = append(results, truth.Result{Scenario: scenario, Foretold: foretold, Kubelet: recorded})
			})
		}
	}
	// A node reports fifty images at most, and those of the other scenarios among them.
	cached, others := apart(all, (*truth.Scenario).AsksWhatNodesHold)
	t.Run("cached", func(t *testing.T) { play(t, cached) })
	t.Run("scenarios", func(t *testing.T) { play(t, others) })
	if recording() && len(results) == len(all) {
		write(t, report, []byte(truth.Report(results)))
	}
}

// keep writes down what the kubelet did, or compares it with what it did before.
func keep(t *testing.T, scenario *truth.Scenario, recorded truth.Recorded) {
	t.Helper()
	switch {
	case recording():
		if err := scenario.Record(scenarios, recorded); err != nil {
			t.Error(err)
		}
	case scenario.Kubelet == nil:
		t.Error(`it has not been recorded: run "make truth"`)
	case !scenario.Kubelet.Same(recorded):
		t.Errorf("the kubelet did %v, and when it was recorded %v", recorded, *scenario.Kubelet)
	}
}

// apart divides scenarios by what is asked of them.
func apart(all []*truth.Scenario, question func(*truth.Scenario) bool) (yes, no []*truth.Scenario) {
	for _, s := range all {
		if question(s) {
			yes = append(yes, s)
		} else {
			no = append(no, s)
		}
	}
	return yes, no
}
