package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

// TestHolding is about many nodes.
func TestHolding(t *testing.T) {
	t.Parallel()
	node := func(name string, changes ...func(*corev1.Node)) corev1.Node {
		return newNode(name, "linux/amd64", changes...)
	}
	var (
		held    = node("held", withImage(web))
		fetched = node("fetched", withImage(webDigest, web))
		without = node("without")
		full    = node("full", withImages(50))
		resting = node("resting", cordoned)
		asleep  = node("asleep", cordoned, withImage(web))
		filled  = node("filled", cordoned, withImages(50))
		off     = node("off", withTaint("gpu", corev1.TaintEffectNoSchedule), withImage(web))
	)
	gated := &corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/quota"}}}
	foreign := &corev1.PodSpec{SchedulerName: "fargate-scheduler"}
	tests := map[string]struct {
		nodes []corev1.Node
		spec  *corev1.PodSpec
		want  nodes.Presence
	}{
		"all":                             {[]corev1.Node{held, held}, nil, nodes.AllNodes},
		"all, and one pulled it":          {[]corev1.Node{held, fetched}, nil, nodes.AllNodesUnverified},
		"some":                            {[]corev1.Node{held, without}, nil, nodes.SomeNodes},
		"some, others may":                {[]corev1.Node{held, full}, nil, nodes.SomeNodes},
		"none":                            {[]corev1.Node{without, without}, nil, nodes.Absent},
		"none, others may":                {[]corev1.Node{without, full}, nil, nodes.Unreported},
		"all but one that rests":          {[]corev1.Node{held, resting}, nil, nodes.AllNodes},
		"none but one that rests":         {[]corev1.Node{without, asleep}, nil, nodes.SomeNodes},
		"none, and one that rests may":    {[]corev1.Node{without, filled}, nil, nodes.Unreported},
		"only one that rests":             {[]corev1.Node{asleep}, nil, nodes.SomeNodes},
		"only one that rests, without it": {[]corev1.Node{resting}, nil, nodes.NoNodes},
		"only one that rests, and may":    {[]corev1.Node{filled}, nil, nodes.Unreported},
		"the pod does not go where it is": {[]corev1.Node{without, off}, nil, nodes.Absent},
		"no node":                         {nil, nil, nodes.NoNodes},
		"no node for the pod":             {[]corev1.Node{off}, nil, nodes.NoNodes},
		"a gate, and all":                 {[]corev1.Node{held}, gated, nodes.SomeNodes},
		"a gate, and none":                {[]corev1.Node{without}, gated, nodes.NoNodes},
		"another scheduler, and all":      {[]corev1.Node{held}, foreign, nodes.SomeNodes},
		"another scheduler, and a taint":  {[]corev1.Node{without, off}, foreign, nodes.SomeNodes},
		"a gate, and a taint":             {[]corev1.Node{without, off}, gated, nodes.SomeNodes},
		"a runtime class, and a taint":    {[]corev1.Node{without, off}, &corev1.PodSpec{RuntimeClassName: new("gpu")}, nodes.SomeNodes},
		"another scheduler, and none":     {[]corev1.Node{without}, foreign, nodes.NoNodes},
		"the pod is on the node":          {[]corev1.Node{without, held}, &corev1.PodSpec{NodeName: "held"}, nodes.AllNodes},
		"the pod is on another":           {[]corev1.Node{without, held}, &corev1.PodSpec{NodeName: "without"}, nodes.Absent},
		"the pod has more rules than are looked at": {
			[]corev1.Node{held}, &corev1.PodSpec{Tolerations: make([]corev1.Toleration, 256)}, nodes.Unreported,
		},
		"the pod is on one nobody knows of": {[]corev1.Node{held}, &corev1.PodSpec{NodeName: "gone"}, nodes.Unreported},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", tt.nodes...).Candidates(tt.spec).Presence(webImage()); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestHoldingOfNodesNobodyAskedAbout: stock nodes hold nothing.
func TestHoldingOfNodesNobodyAskedAbout(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]nodes.Candidates{
		"the zero value":      {},
		"declared":            nodes.Declared(platforms(t, "linux/amd64")).Candidates(nil),
		"declared, by a name": nodes.Declared(nil).Candidates(&corev1.PodSpec{NodeName: "n"}),
	} {
		if got := c.Presence(webImage()); got != nodes.NoNodes {
			t.Errorf("%s: got %d, want NoNodes", name, got)
		}
	}
}

func TestMayHoldPart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes []corev1.Node
		want  bool
	}{
		"no node":                        {nil, false},
		"nothing of the kind":            {[]corev1.Node{newNode("a", "linux/amd64")}, false},
		"the image":                      {[]corev1.Node{newNode("a", "linux/amd64", withImage(web))}, true},
		"another version":                {[]corev1.Node{newNode("a", "linux/amd64", withImage("registry.example/shop/web:2"))}, true},
		"by digest":                      {[]corev1.Node{newNode("a", "linux/amd64", withImage(webDigest))}, true},
		"the same by another name":       {[]corev1.Node{newNode("a", "linux/amd64", withImage("mirror.example/web@"+digest))}, true},
		"another repository":             {[]corev1.Node{newNode("a", "linux/amd64", withImage("registry.example/shop/webs:1"))}, false},
		"on one of two":                  {[]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/amd64", withImage(web))}, true},
		"on a cordoned one":              {[]corev1.Node{newNode("a", "linux/amd64", withImage(web), cordoned)}, true},
		"on one that is not a candidate": {[]corev1.Node{newNode("a", "linux/amd64", withImage(web), withTaint("mine", corev1.TaintEffectNoSchedule))}, false},
		"not reported":                   {[]corev1.Node{newNode("a", "linux/amd64", withImages(50))}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", test.nodes...).Candidates(nil).MayHaveLayers(webImage().Repository(), digest); got != test.want {
				t.Errorf("MayHaveLayers() = %t, want %t", got, test.want)
			}
		})
	}
	if nodes.Declared(nil).Candidates(nil).MayHaveLayers(webImage().Repository(), digest) {
		t.Error("MayHaveLayers() = true of stock nodes")
	}
}
