package main

import (
	"fmt"
	"text/tabwriter"
)

// table prints a row for each pod, and the decisions that are not as expected.
func (p *printer) table(results []result) {
	fmt.Fprintln(p.w)
	tw := tabwriter.NewWriter(p.w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "POD\tNAMESPACE\tMODE\tEXPECTED\tDECISION\tOK")
	for _, r := range results {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", r.pod, r.namespace, modeOf(r.namespace), r.want, r.got, p.mark(r))
	}
	_ = tw.Flush() // write errors are ignored, as everywhere in printer
	fmt.Fprintln(p.w)
	for _, r := range results {
		if r.mismatch != "" {
			fmt.Fprintf(p.w, "%s in %s: %s\n", r.pod, r.namespace, r.mismatch)
		}
	}
	if n := mismatches(results); n > 0 {
		fmt.Fprintf(p.w, "%d of %d decisions are not as expected.\n", n, len(results))
		return
	}
	fmt.Fprintf(p.w, "All %d decisions are as expected.\n", len(results))
}

func (p *printer) mark(r result) string {
	if r.mismatch != "" {
		return p.paint(red, "✗")
	}
	return p.paint(green, "✓")
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
