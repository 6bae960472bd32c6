package monitoring

import (
	"strings"
	"testing"
)

func TestDashboardReadsMetricsThatAreExported(t *testing.T) {
	t.Parallel()
	for _, p := range shippedDashboard(t).Panels {
		for _, q := range p.Targets {
			checkQuery(t, q.Expr, legendLabels(q.LegendFormat)...)
		}
	}
}

func TestPanelsAreComplete(t *testing.T) {
	t.Parallel()
	taken := map[[2]int]string{}
	ids := map[int]bool{}
	for _, p := range shippedDashboard(t).Panels {
		if p.Title == "" || !strings.HasSuffix(p.Description, ".") || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 || ids[p.ID] {
			t.Errorf("%+v: want a title, a description, a unit, a query and an ID of its own", p)
		}
		ids[p.ID] = true
		if g := p.GridPos; g.X < 0 || g.X+g.W > 24 || g.H == 0 {
			t.Errorf("%s: position %+v", p.Title, g)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := taken[at]; other != "" {
					t.Fatalf("%s lies upon %s", p.Title, other)
				}
				taken[at] = p.Title
			}
		}
	}
}

// Each metric has a reader: the dashboard or an alert.
func TestEveryMetricIsRead(t *testing.T) {
	t.Parallel()
	// This one is for queries of single incidents.
	read := map[string]bool{"pullgate_config_reloads_total": true}
	add := func(query string) {
		for _, r := range references(query) {
			read[strings.TrimSuffix(r.metric, "_bucket")] = true
		}
	}
	for _, a := range alerts(t) {
		add(a.Expr)
	}
	for _, p := range shippedDashboard(t).Panels {
		for _, q := range p.Targets {
			add(q.Expr)
		}
	}
	for metric := range exported(t) {
		if !read[metric] {
			t.Errorf("%s is not read by the dashboard or an alert", metric)
		}
	}
}
