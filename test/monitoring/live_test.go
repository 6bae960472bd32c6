//go:build monitoring

package monitoring

import (
	"os"
	"testing"
	"time"
)

// leastPhase is the least length of each phase of the load, as long as the interval of the rates.
const leastPhase = 20 * time.Second

// A query that returns nothing under load, with failures of the registry and of Pullgate, would return nothing in production too. With
// DASHBOARD_PICTURE the answers are drawn into that file.
func TestEveryQueryOfTheDashboardReturnsData(t *testing.T) {
	e := newEnvironment(t)
	e.startPullgate(t)
	e.awaitWebhook(t)
	p := startPrometheus(t, e)
	r := timeRange{start: time.Now().Truncate(time.Second), step: 2 * time.Second}
	e.load(t, leastPhase, p.scrapesAPIServer)
	r.end = time.Now().Truncate(time.Second)
	p.checkRules(t)
	d, answers := shippedDashboard(t), map[int][]series{}
	for _, panel := range d.Panels {
		for _, q := range panel.Targets {
			answer, err := p.run(t.Context(), q, r)
			if err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
			if len(answer) == 0 {
				t.Errorf("%s: no data for %s", panel.Title, q.Expr)
			}
			answers[panel.ID] = append(answers[panel.ID], answer...)
		}
	}
	if file := os.Getenv("DASHBOARD_PICTURE"); file != "" && !t.Failed() {
		write(t, file, []byte(picture(d, answers, r.step)))
	}
}
