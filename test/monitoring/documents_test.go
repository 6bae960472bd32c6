package monitoring

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Names and labels in the table of the documents must be the exported ones.
func TestTheTableOfMetricsIsComplete(t *testing.T) {
	t.Parallel()
	listed := map[string][]string{}
	for line := range strings.Lines(read(t, filepath.Join(folder, "..", "README.md"))) {
		row, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !strings.HasPrefix(row, "`pullgate_") {
			continue
		}
		for _, match := range regexp.MustCompile("`(pullgate_[a-z_]+)(?:\\{([a-z,]+)\\})?`").FindAllStringSubmatch(row, -1) {
			labels := strings.FieldsFunc(match[2], func(r rune) bool { return r == ',' })
			slices.Sort(labels)
			listed[match[1]] = labels
		}
	}
	want := map[string][]string{}
	for metric, labels := range exported(t) {
		if strings.HasPrefix(metric, "pullgate_") {
			want[metric] = slices.DeleteFunc(labels, func(label string) bool { return label == "le" })
		}
	}
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("metrics (-exported +listed):\n%s", diff)
	}
}
