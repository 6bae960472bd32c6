package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/test/bench/chart"
)

// write writes the tables as CSV, the charts as SVG and a summary as Markdown.
func (r *results) write(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var all []error
	for name, rows := range r.tables() {
		// A table without rows belongs to a scenario that did not run. Its file stays.
		if len(rows) > 1 {
			all = append(all, writeCSV(filepath.Join(dir, name+".csv"), rows))
		}
	}
	for name, picture := range r.charts() {
		all = append(all, os.WriteFile(filepath.Join(dir, name+".svg"), []byte(picture), 0o644))
	}
	return errors.Join(append(all, os.WriteFile(filepath.Join(dir, "summary.md"), []byte(r.summary()), 0o644))...)
}

func writeCSV(path string, rows [][]string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(csv.NewWriter(file).WriteAll(rows), file.Close())
}

// tables returns the tables for the CSV files, each with a header row.
func (r *results) tables() map[string][][]string {
	bars := [][]string{{"bar", "measured", "goal", "verdict"}}
	for _, b := range r.bars {
		bars = append(bars, []string{b.name, b.measured, b.goal, b.verdict()})
	}
	latencies := [][]string{{"scenario", "arm", "registry_ms", "round", "requests", "p50_us", "p90_us", "p99_us", "max_us"}}
	for _, l := range r.latencies {
		row := []string{l.scenario, l.arm, fmt.Sprint(l.rtt.Milliseconds()), fmt.Sprint(l.round + 1), fmt.Sprint(len(l.All))}
		for _, p := range []float64{50, 90, 99, 100} {
			row = append(row, fmt.Sprintf("%.0f", micros(l.Percentile(p))))
		}
		latencies = append(latencies, row)
	}
	capacity := [][]string{{"arm", "round", "requests", "per_second", "cpu_us", "busy"}}
	for _, c := range r.capacity {
		capacity = append(capacity, []string{
			c.arm, fmt.Sprint(c.round + 1), fmt.Sprint(c.requests), fmt.Sprintf("%.0f", c.perSecond),
			fmt.Sprintf("%.1f", c.cpu), fmt.Sprintf("%.2f", c.busy),
		})
	}
	faults := [][]string{{"fault", "timeout", "requests", "slowest_ms", "late", "reasons"}}
	for _, f := range r.faults {
		faults = append(faults, []string{
			f.fault, f.timeout.String(), fmt.Sprint(f.requests), fmt.Sprint(f.slowest.Milliseconds()),
			fmt.Sprint(f.late), f.reasons,
		})
	}
	figures := [][]string{{"figure", "value", "unit"}}
	for _, f := range r.figures {
		figures = append(figures, []string{f.name, fmt.Sprintf("%.2f", f.value), f.unit})
	}
	return map[string][][]string{"bars": bars, "latency": latencies, "capacity": capacity, "faults": faults, "figures": figures}
}

// charts returns the charts of the scenarios that ran.
func (r *results) charts() map[string]string {
	pictures := map[string]string{}
	if names, all := r.byArm("warm", nearby); len(names) > 0 {
		percentiles := []float64{50, 75, 90, 95, 99}
		var places []string
		for _, p := range percentiles {
			places = append(places, fmt.Sprintf("p%g", p))
		}
		var lines []chart.Line
		for _, name := range slices.Sorted(slices.Values(names)) {
			line := chart.Line{Label: name}
			for _, p := range percentiles {
				line.Values = append(line.Values, micros(all[name].Percentile(p)))
			}
			lines = append(lines, line)
		}
		pictures["warm"] = chart.Lines("Latency with cached verdicts", "µs", places, lines)
	}
	if len(r.capacity) > 0 {
		pictures["capacity"] = chart.Bars("Reviews per second with cached verdicts", "1/s", r.capacityBars())
	}
	if len(r.cold) > 0 {
		pictures["cold"] = r.coldChart()
	}
	return pictures
}

func (r *results) capacityBars() []chart.Bar {
	var rates samples
	for _, c := range r.capacity {
		rates.add(c.arm, c.perSecond)
	}
	var bars []chart.Bar
	for _, name := range rates.names {
		s := rangeOf(rates.values[name])
		bars = append(bars, chart.Bar{Label: name, Value: s.median, Low: s.low, High: s.high})
	}
	return bars
}

func (r *results) coldChart() string {
	var places []string
	for _, d := range distances() {
		places = append(places, fmt.Sprintf("registry at %d ms", d.rtt.Milliseconds()))
	}
	var lines []chart.Line
	for _, name := range []string{armPullgate, armCold, armHead} {
		lines = append(lines, chart.Line{Label: name, Values: r.cold[name]})
	}
	return chart.Lines("Median latency of a pod with three images", "ms", places, lines)
}

// summary returns the table of the bars as Markdown.
func (r *results) summary() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Measured on %s; %s.\n\n| | measured | bar | |\n| --- | --- | --- | --- |\n", r.machine, r.plan)
	for _, row := range r.bars {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", row.name, row.measured, row.goal, row.verdict())
	}
	return b.String()
}
