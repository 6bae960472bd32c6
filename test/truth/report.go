package truth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Result is one scenario that was played to both.
type Result struct {
	Scenario *Scenario
	Foretold Foretold
	Kubelet  Recorded
}

// Agreement judges the result.
func (r Result) Agreement() Agreement { return r.Scenario.Judge(r.Kubelet, r.Foretold) }

// Report returns the results as a page of Markdown.
func Report(results []Result) string {
	results = slices.Clone(results)
	slices.SortFunc(results, func(a, b Result) int { return cmp.Compare(a.Scenario.Name, b.Scenario.Name) })
	var b strings.Builder
	counts := map[Agreement]int{}
	for _, r := range results {
		counts[r.Agreement()]++
	}
	fmt.Fprintf(&b, `# Pullgate and a real kubelet

Written by `+"`make truth`"+`: each scenario in [scenarios](scenarios) was played to a kubelet %s with containerd 2.4.2, and
put to Pullgate through a real API server and by `+"`pullgate check`"+`.

**Of %d scenarios, %d false denials and %d failures unforetold.** Pullgate agrees with the kubelet on %d; it is in doubt on %d,
and misses %d that it says it can't see.

`, kubeletVersion, len(results), counts[FalseDenial], counts[Unforetold], counts[Agrees], counts[Doubts], counts[Misses])
	writeMatrix(&b, results)
	writeList(&b, "Disagreements", results, "", func(r Result) (string, bool) {
		return r.Agreement().String(), r.Agreement() > Misses
	})
	writeList(&b, "Doubts", results, "Where a node could go either way, and why.", func(r Result) (string, bool) {
		return r.Scenario.Doubt, r.Agreement() == Doubts
	})
	writeList(&b, "Stated misses", results, "Failures that Pullgate lets in, and why.", func(r Result) (string, bool) {
		return r.Scenario.Miss, r.Agreement() == Misses
	})
	writeList(&b, "Agreements", results, "", func(r Result) (string, bool) {
		return r.Scenario.Title, r.Agreement() == Agrees
	})
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// writeMatrix counts what the kubelet did against what was foretold.
func writeMatrix(b *strings.Builder, results []Result) {
	counts := map[string]map[imagepull.Outcome]int{}
	for _, r := range results {
		row := r.Kubelet.row()
		if counts[row] == nil {
			counts[row] = map[imagepull.Outcome]int{}
		}
		counts[row][r.Foretold.Outcome]++
	}
	var rows []string
	for row := range counts {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	b.WriteString("Hanging is a pull, or a pod without a node, that came to no end while it was looked at.\n\n")
	b.WriteString("| the kubelet | Pullable | Unpullable | Indeterminate |\n| --- | ---: | ---: | ---: |\n")
	for _, row := range rows {
		c := counts[row]
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", row, c[imagepull.Pullable], c[imagepull.Unpullable], c[imagepull.Indeterminate])
	}
	b.WriteString("\n")
}

// row is what the kubelet did in the words of the matrix. Its own errors can be any text.
func (r Recorded) row() string {
	switch {
	case r.Outcome != Failed:
		return string(r.Outcome)
	case strings.ContainsRune(r.Reason, ' '):
		return "Failed: another error"
	}
	return "Failed: " + r.Reason
}

// writeList lists the results that are chosen, with a remark on each.
func writeList(b *strings.Builder, title string, results []Result, about string, choose func(Result) (string, bool)) {
	var lines []string
	for _, r := range results {
		if remark, ok := choose(r); ok {
			lines = append(lines, fmt.Sprintf("| [%s](scenarios/%s.yaml) | %s | %s | %s |\n",
				r.Scenario.Name, r.Scenario.Name, r.Kubelet.row(), r.Foretold.Reason, cell(remark)))
		}
	}
	if lines == nil {
		return
	}
	fmt.Fprintf(b, "## %s\n\n", title)
	if about != "" {
		fmt.Fprintf(b, "%s\n\n", about)
	}
	b.WriteString("| scenario | the kubelet | Pullgate | |\n| --- | --- | --- | --- |\n")
	b.WriteString(strings.Join(lines, "") + "\n")
}

func cell(text string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(text), " "), "|", `\|`)
}
