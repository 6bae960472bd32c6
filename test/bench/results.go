package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
)

// results are the results of all scenarios.
type results struct {
	machine   machine
	plan      string
	bars      []bar
	latencies []latencyRow
	capacity  []capacityRow
	faults    []faultRow
	figures   []figure
	// cold has the medians in milliseconds by arm, one for each distance.
	cold     map[string][]float64
	failures []string
}

// bar is a goal with the measured value.
type bar struct {
	name, measured, goal string
	met                  bool
}

// latencyRow is one measurement with an open loop.
type latencyRow struct {
	turn
	load.Latencies
}

// capacityRow is one measurement with a closed loop. busy is the share of the time in which the server used a core.
type capacityRow struct {
	arm                  string
	round, requests      int
	perSecond, cpu, busy float64
}

// figure is a value without a goal.
type figure struct {
	name  string
	value float64
	unit  string
}

func (r *results) add(b bar) { r.bars = append(r.bars, b) }

func (r *results) figure(name string, value float64, unit string) {
	r.figures = append(r.figures, figure{name, value, unit})
}

func (r *results) atMost(name string, measured spread, limit float64) {
	r.add(bar{name, measured.String(), fmt.Sprintf("≤ %.2f×", limit), measured.median <= limit})
}

func (r *results) atLeast(name string, measured spread, limit float64) {
	r.add(bar{name, measured.String(), fmt.Sprintf("≥ %.2f×", limit), measured.median >= limit})
}

// requests adds a bar for a counted number of requests.
func (r *results) requests(name string, measured, limit int) {
	r.add(bar{name, fmt.Sprint(measured), fmt.Sprintf("≤ %d", limit), measured <= limit})
}

// table returns the bars as text.
func (r *results) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tMEASURED\tBAR\t")
	met := 0
	for _, row := range r.bars {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.name, row.measured, row.goal, row.verdict())
		if row.met {
			met++
		}
	}
	// Writing to a builder does not fail.
	_ = w.Flush()
	fmt.Fprintf(&b, "\n%d of %d bars met.\n", met, len(r.bars))
	return b.String()
}

func (b bar) verdict() string {
	if b.met {
		return "met"
	}
	return "NOT MET"
}

// byArm groups the latencies of a scenario by arm.
func (r *results) byArm(scenario string, rtt time.Duration) (names []string, all map[string]load.Latencies) {
	all = map[string]load.Latencies{}
	for _, row := range r.latencies {
		if row.scenario != scenario || row.rtt != rtt {
			continue
		}
		l, known := all[row.arm]
		if !known {
			names = append(names, row.arm)
		}
		l.All = append(l.All, row.All...)
		all[row.arm] = l
	}
	return names, all
}
