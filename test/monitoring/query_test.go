package monitoring

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReferences(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query     string
		want      []reference
		groupings []string
	}{
		"a name alone":  {query: "absent(pullgate_build_info)", want: []reference{{metric: "pullgate_build_info"}}},
		"matchers":      {query: `pullgate_a_total{x="pullgate_b{",y!~"z"}[5m]`, want: []reference{{"pullgate_a_total", []string{"x", "y"}}}},
		"two metrics":   {query: "pullgate_a / apiserver_b > 0", want: []reference{{metric: "pullgate_a"}, {metric: "apiserver_b"}}},
		"aggregation":   {query: "sum by (le, pod) (pullgate_a)", want: []reference{{metric: "pullgate_a"}}, groupings: []string{"le", "pod"}},
		"vector match":  {query: "process_a and on (instance) pullgate_b", want: []reference{{metric: "process_a"}, {metric: "pullgate_b"}}, groupings: []string{"instance"}},
		"text of a job": {query: `up{job="pullgate_x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, references(test.query), cmp.AllowUnexported(reference{})); diff != "" {
				t.Errorf("references (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.groupings, groupings(test.query)); diff != "" {
				t.Errorf("groupings (-want +got):\n%s", diff)
			}
		})
	}
}
