package cluster

import (
	"strings"
	"testing"
)

func TestPlanIsEncodedAndParsed(t *testing.T) {
	t.Parallel()
	want := Plan{Dir: "/dir", Programs: "/programs", Assets: "/assets", Plugins: "/plugins"}
	got, err := ParsePlan(want.String())
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := ParsePlan("{"); err == nil || !strings.Contains(err.Error(), "parsing the plan") {
		t.Errorf("got error %v for an invalid plan, want an error about parsing", err)
	}
}

func TestCgroupName(t *testing.T) {
	t.Parallel()
	a, b := Plan{Dir: "/a"}.cgroup(), Plan{Dir: "/b"}.cgroup()
	if a == b {
		t.Errorf("both folders have cgroup %q", a)
	}
	if !strings.HasPrefix(a, "pullgate-cluster-") || len(a) != len("pullgate-cluster-")+8 {
		t.Errorf("got cgroup %q, want pullgate-cluster- and eight digits", a)
	}
}
