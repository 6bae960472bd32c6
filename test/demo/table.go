package main

import (
	"fmt"
	"text/tabwriter"
)

// table ends the demo: a row for each pod, and what is to be said of those that are not as expected.
func (s *screen) table(results []result) {
	fmt.Fprintln(s.w)
	tw := tabwriter.NewWriter(s.w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "POD\tNAMESPACE\tMODE\tEXPECTED\tANSWER\tOK")
	for _, r := range results {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.pod, r.namespace, modeOf(r.namespace), r.want, r.got, s.mark(r))
	}
	// It fails only if the screen does.
	_ = tw.Flush()
	fmt.Fprintln(s.w)
	for _, r := range results {
		if r.mismatch != "" {
			fmt.Fprintf(s.w, "%s in %s: %s\n", r.pod, r.namespace, r.mismatch)
		}
	}
	if n := mismatches(results); n > 0 {
		fmt.Fprintf(s.w, "%d of %d answers are not as expected.\n", n, len(results))
		return
	}
	fmt.Fprintf(s.w, "All %d answers are as expected.\n", len(results))
}

func (s *screen) mark(r result) string {
	if r.mismatch != "" {
		return s.paint(red, "✗")
	}
	return s.paint(green, "✓")
}

func mismatches(results []result) int {
	var n int
	for _, r := range results {
		if r.mismatch != "" {
			n++
		}
	}
	return n
}
