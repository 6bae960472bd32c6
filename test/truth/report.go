package truth

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// Result is a prediction and the result on the kubelet for one scenario.
type Result struct {
	Scenario  *Scenario
	Predicted Predicted
	Kubelet   Recorded
}

// Agreement returns the agreement of the prediction with the kubelet.
func (r Result) Agreement() Agreement { return r.Scenario.Compare(r.Kubelet, r.Predicted) }

// Report returns the results as a Markdown page.
func Report(results []Result) string {
	results = slices.Clone(results)
	slices.SortFunc(results, func(a, b Result) int { return cmp.Compare(a.Scenario.Name, b.Scenario.Name) })
	var b strings.Builder
	counts := map[Agreement]int{}
	for _, r := range results {
		counts[r.Agreement()]++
	}
	fmt.Fprintf(&b, `# Pullgate and a real kubelet

Written by `+"`make truth`"+`. Each scenario in [scenarios](scenarios) ran on a kubelet %s with containerd 2.4.2.
Pullgate checked it through a real API server and with `+"`pullgate check`"+`.

**%d scenarios: %d false denials, %d unpredicted failures.** Pullgate agrees with the kubelet on %d,
returns an indeterminate verdict for %d, and misses %d failures that it cannot see.

`, kubeletVersion, len(results), counts[FalseDenial], counts[Unpredicted], counts[Agrees], counts[Indeterminate], counts[KnownMiss])
	writeExcluded(&b)
	writeMatrix(&b, results)
	writeLostDenials(&b, results)
	writeList(&b, "Disagreements", results, "", func(r Result) (string, bool) {
		return r.Agreement().String(), r.Agreement() > KnownMiss
	})
	writeList(&b, "Indeterminate", results, "A node could succeed or fail. The last column explains why.", func(r Result) (string, bool) {
		return r.Scenario.Indeterminate, r.Agreement() == Indeterminate
	})
	writeList(&b, "Known misses", results, "Pullgate admits these failures. The last column explains why.", func(r Result) (string, bool) {
		return r.Scenario.Miss, r.Agreement() == KnownMiss
	})
	writeList(&b, "Agreements", results, "", func(r Result) (string, bool) {
		return r.Scenario.Title, r.Agreement() == Agrees
	})
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// writeExcluded writes what the number of false denials does not cover.
func writeExcluded(b *strings.Builder) {
	b.WriteString("The scenarios do not cover:\n\n")
	for _, text := range excluded() {
		fmt.Fprintf(b, "- %s\n", text)
	}
	b.WriteString("\n")
}

func excluded() []string {
	return []string{
		"CRI-O, Docker and other versions of containerd. Nodes with another runtime or platform are objects without a kubelet.",
		"Real registries, CDNs and proxies, and IPv6. Every registry is the one in [test/registry](../registry).",
		"Responses that depend on the time, the connection or the client's address. Responses change by the number of requests only.",
		"Content that is pushed or deleted between the check and the pull. Only secrets, accounts and loaded images change there.",
		"A registry that gives the same wrong response twice within 300 ms, and the right one later. Such a response denies.",
		"Search domains of DNS. The two views of a name are a name server and a hosts file.",
		"Nodes that are added or removed, and the scheduler's choice among several nodes. All pods run on one node.",
		"Limits of the node: disk space, the rate and the duration of pulls, a firewall, a policy for signatures.",
		"Checks under load, and caches that are older than a few seconds.",
		"Webhooks that change the pod.",
	}
}

// writeLostDenials counts the failures that a denial would have predicted, for each reason that is indeterminate because
// a node may succeed.
func writeLostDenials(b *strings.Builder, results []Result) {
	b.WriteString("## Indeterminate by choice\n\n")
	b.WriteString("These reasons do not deny a pod, because a node may succeed. A denial would have been right on the nodes that failed,\n" +
		"and wrong on the others.\n\n")
	b.WriteString("| reason | denials that this costs | false denials that this avoids |\n| --- | ---: | ---: |\n")
	for _, reason := range mayRecover() {
		var cost, avoided int
		for _, r := range results {
			switch {
			case r.Predicted.Reason != reason:
			case r.Kubelet.Outcome == Pulled, r.Kubelet.Outcome == PulledLater:
				avoided++
			default:
				cost++
			}
		}
		fmt.Fprintf(b, "| %s | %d | %d |\n", reason, cost, avoided)
	}
	b.WriteString("\n")
}

// mayRecover returns the reasons that a stricter Pullgate would deny.
func mayRecover() []imagepull.Reason {
	return []imagepull.Reason{
		imagepull.ReasonInsecureRegistry, imagepull.ReasonNeverPresent, imagepull.ReasonPullSecretMissing,
		imagepull.ReasonNotARegistry, imagepull.ReasonNodeCacheUnreported,
	}
}

// writeMatrix writes a table of the results on the kubelet against the predicted outcomes.
func writeMatrix(b *strings.Builder, results []Result) {
	counts := map[string]map[imagepull.Outcome]int{}
	for _, r := range results {
		row := r.Kubelet.row()
		if counts[row] == nil {
			counts[row] = map[imagepull.Outcome]int{}
		}
		counts[row][r.Predicted.Outcome]++
	}
	var rows []string
	for row := range counts {
		rows = append(rows, row)
	}
	slices.Sort(rows)
	b.WriteString("Hanging is a pull, or a pod without a node, that did not finish within the time limit.\n\n")
	b.WriteString("| the kubelet | Pullable | Unpullable | Indeterminate |\n| --- | ---: | ---: | ---: |\n")
	for _, row := range rows {
		c := counts[row]
		fmt.Fprintf(b, "| %s | %d | %d | %d |\n", row, c[imagepull.Pullable], c[imagepull.Unpullable], c[imagepull.Indeterminate])
	}
	b.WriteString("\n")
}

// row returns the row of the matrix. The kubelet's own errors can have any text, so they share one row.
func (r Recorded) row() string {
	switch {
	case r.Outcome != Failed:
		return string(r.Outcome)
	case strings.ContainsRune(r.Reason, ' '):
		return "Failed: another error"
	}
	return "Failed: " + r.Reason
}

// writeList writes a table of the selected results, each with an explanation.
func writeList(b *strings.Builder, title string, results []Result, about string, explain func(Result) (string, bool)) {
	var lines []string
	for _, r := range results {
		if why, ok := explain(r); ok {
			lines = append(lines, fmt.Sprintf("| [%s](scenarios/%s.yaml) | %s | %s | %s |\n",
				r.Scenario.Name, r.Scenario.Name, r.Kubelet.row(), r.Predicted.Reason, cell(why)))
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
