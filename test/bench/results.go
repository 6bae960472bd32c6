package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
)

// results are all that was found out.
type results struct {
	machine   machine
	plan      string
	bars      []bar
	latencies []latencyRow
	capacity  []capacityRow
	faults    []faultRow
	figures   []figure
	// cold are medians in milliseconds, by arm, one for each distance.
	cold     map[string][]float64
	failures []string
}

// bar is something to reach.
type bar struct {
	what, measured, goal string
	met                  bool
}

// latencyRow is one turn of an open loop.
type latencyRow struct {
	turn
	load.Latencies
}

// capacityRow is one turn of a closed loop. Busy is the part of the time for which the server had a core.
type capacityRow struct {
	arm                  string
	round, requests      int
	perSecond, cpu, busy float64
}

// figure is a number without a bar.
type figure struct {
	what  string
	value float64
	unit  string
}

func (r *results) add(b bar) { r.bars = append(r.bars, b) }

func (r *results) figure(what string, value float64, unit string) {
	r.figures = append(r.figures, figure{what, value, unit})
}

func (r *results) atMost(what string, measured spread, most float64) {
	r.add(bar{what, measured.String(), fmt.Sprintf("≤ %.2f×", most), measured.median <= most})
}

func (r *results) atLeast(what string, measured spread, least float64) {
	r.add(bar{what, measured.String(), fmt.Sprintf("≥ %.2f×", least), measured.median >= least})
}

// requests are counted, not estimated.
func (r *results) requests(what string, measured, most int) {
	r.add(bar{what, fmt.Sprint(measured), fmt.Sprintf("≤ %d", most), measured <= most})
}

// table is the bars as text.
func (r *results) table() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tMEASURED\tBAR\t")
	met := 0
	for _, row := range r.bars {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", row.what, row.measured, row.goal, row.verdict())
		if row.met {
			met++
		}
	}
	// Writing to a builder never fails.
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

// byArm groups the latencies of a scenario.
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
