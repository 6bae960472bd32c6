package engine

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestUserAgentBeginsAsThatOfTheNodes(t *testing.T) {
	t.Parallel()
	nodes := func(runtime string) func() string { return func() string { return runtime } }
	tests := map[string]struct {
		runtime imagepull.Runtime
		nodes   func() string
		own     string
		want    string
	}{
		"nodes of containerd":           {imagepull.RuntimeContainerd, nodes("containerd/1.7.27"), "pullgate/1.0", "containerd/1.7.27 (compatible; pullgate/1.0)"},
		"nodes of CRI-O":                {imagepull.RuntimeContainerd, nodes("cri-o/1.36.1"), "pullgate/1.0", "cri-o/1.36.1 (compatible; pullgate/1.0)"},
		"nodes that are not known":      {imagepull.RuntimeContainerd, nodes(""), "pullgate/1.0", "containerd/2.4.2 (compatible; pullgate/1.0)"},
		"no cluster":                    {imagepull.RuntimeContainerd, nil, "pullgate/1.0", "containerd/2.4.2 (compatible; pullgate/1.0)"},
		"no cluster, CRI-O by the file": {imagepull.RuntimeCRIO, nil, "pullgate/1.0", "cri-o/1.37.0 (compatible; pullgate/1.0)"},
		"no name of its own":            {imagepull.RuntimeContainerd, nil, "", "containerd/2.4.2 (compatible; pullgate)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			c.Nodes.Runtime = tt.runtime
			o := Options{UserAgent: tt.own, Cluster: Cluster{RuntimeUserAgent: tt.nodes}}.withDefaults()
			if got := newUserAgent(c, o)(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// Nodes are compared once a minute, not for each request.
func TestUserAgentFollowsTheNodes(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Now())
	runtime, read := "", 0
	o := Options{UserAgent: "pullgate/1.0", Clock: clock, Cluster: Cluster{RuntimeUserAgent: func() string {
		read++
		return runtime
	}}}
	get := newUserAgent(config.Default(), o.withDefaults())
	for _, step := range []struct {
		wait time.Duration
		want string
		read int
	}{
		{0, "containerd/2.4.2 (compatible; pullgate/1.0)", 1},
		{59 * time.Second, "containerd/2.4.2 (compatible; pullgate/1.0)", 1},
		{time.Second, "containerd/2.3.0 (compatible; pullgate/1.0)", 2},
		{time.Second, "containerd/2.3.0 (compatible; pullgate/1.0)", 2},
	} {
		clock.Step(step.wait)
		if got := get(); got != step.want || read != step.read {
			t.Errorf("got %q after %d reads, want %q after %d", got, read, step.want, step.read)
		}
		runtime = "containerd/2.3.0"
	}
}
