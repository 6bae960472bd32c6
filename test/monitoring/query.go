package monitoring

import (
	"regexp"
	"strings"
)

// reference is a metric in a query, with the labels that the query matches.
type reference struct {
	metric string
	labels []string
}

var (
	// metricPattern matches the name of a metric that a query may read, with its matchers.
	metricPattern = regexp.MustCompile(`\b((?:pullgate|apiserver|process)_[a-z0-9_]+)(\{[^}]*\})?`)
	// matcherPattern matches the label of a matcher.
	matcherPattern = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)`)
	// groupingPattern matches the labels of an aggregation or of a vector match.
	groupingPattern = regexp.MustCompile(`\b(?:by|on|without|ignoring)\s*\(([^)]*)\)`)
	stringPattern   = regexp.MustCompile(`"[^"]*"`)
)

// references returns the metrics in a query.
func references(query string) []reference {
	query = stringPattern.ReplaceAllString(query, `""`)
	var all []reference
	for _, match := range metricPattern.FindAllStringSubmatch(query, -1) {
		r := reference{metric: match[1]}
		for _, label := range matcherPattern.FindAllStringSubmatch(match[2], -1) {
			r.labels = append(r.labels, label[1])
		}
		all = append(all, r)
	}
	return all
}

// groupings returns the labels by which a query aggregates and matches.
func groupings(query string) []string {
	var all []string
	for _, match := range groupingPattern.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(match[1], ",") {
			all = append(all, strings.TrimSpace(label))
		}
	}
	return all
}

// legendLabels returns the labels in the legend of a panel, such as "{{pod}}".
func legendLabels(legend string) []string {
	var all []string
	for _, match := range regexp.MustCompile(`\{\{\s*(\w+)\s*\}\}`).FindAllStringSubmatch(legend, -1) {
		all = append(all, match[1])
	}
	return all
}
