package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/nodes"
)

func TestPresenceOnManyNodes(t *testing.T) {
	t.Parallel()
	node := func(name string, changes ...func(*corev1.Node)) corev1.Node {
		return newNode(name, "linux/amd64", changes...)
	}
	var (
		loaded         = node("loaded", withImage(web))
		pulled         = node("pulled", withImage(webDigest, web))
		without        = node("without")
		full           = node("full", withImages(50))
		cordonedEmpty  = node("cordoned-empty", cordoned)
		cordonedLoaded = node("cordoned-loaded", cordoned, withImage(web))
		cordonedFull   = node("cordoned-full", cordoned, withImages(50))
		tainted        = node("tainted", withTaint("gpu", corev1.TaintEffectNoSchedule), withImage(web))
	)
	gated := &corev1.PodSpec{SchedulingGates: []corev1.PodSchedulingGate{{Name: "example.com/quota"}}}
	foreign := &corev1.PodSpec{SchedulerName: "fargate-scheduler"}
	tests := map[string]struct {
		nodes []corev1.Node
		spec  *corev1.PodSpec
		want  nodes.Presence
	}{
		"all":                                    {[]corev1.Node{loaded, loaded}, nil, nodes.AllNodes},
		"all, one of them pulled":                {[]corev1.Node{loaded, pulled}, nil, nodes.AllNodesUnverified},
		"some":                                   {[]corev1.Node{loaded, without}, nil, nodes.SomeNodes},
		"some, and a full list":                  {[]corev1.Node{loaded, full}, nil, nodes.SomeNodes},
		"none":                                   {[]corev1.Node{without, without}, nil, nodes.Absent},
		"none, and a full list":                  {[]corev1.Node{without, full}, nil, nodes.Unreported},
		"all but a cordoned node":                {[]corev1.Node{loaded, cordonedEmpty}, nil, nodes.AllNodes},
		"none but a cordoned node":               {[]corev1.Node{without, cordonedLoaded}, nil, nodes.SomeNodes},
		"none, and a full cordoned node":         {[]corev1.Node{without, cordonedFull}, nil, nodes.Unreported},
		"only a cordoned node":                   {[]corev1.Node{cordonedLoaded}, nil, nodes.SomeNodes},
		"only a cordoned node, without it":       {[]corev1.Node{cordonedEmpty}, nil, nodes.NoNodes},
		"only a cordoned node, with a full list": {[]corev1.Node{cordonedFull}, nil, nodes.Unreported},
		"only an infeasible node":                {[]corev1.Node{without, tainted}, nil, nodes.Absent},
		"no node":                                {nil, nil, nodes.NoNodes},
		"no node for the pod":                    {[]corev1.Node{tainted}, nil, nodes.NoNodes},
		"a gate, and all":                        {[]corev1.Node{loaded}, gated, nodes.SomeNodes},
		"a gate, and none":                       {[]corev1.Node{without}, gated, nodes.NoNodes},
		"another scheduler, and all":             {[]corev1.Node{loaded}, foreign, nodes.SomeNodes},
		"another scheduler, and a taint":         {[]corev1.Node{without, tainted}, foreign, nodes.SomeNodes},
		"a gate, and a taint":                    {[]corev1.Node{without, tainted}, gated, nodes.SomeNodes},
		"a runtime class, and a taint":           {[]corev1.Node{without, tainted}, &corev1.PodSpec{RuntimeClassName: new("gpu")}, nodes.SomeNodes},
		"another scheduler, and none":            {[]corev1.Node{without}, foreign, nodes.NoNodes},
		"the pod is on the node":                 {[]corev1.Node{without, loaded}, &corev1.PodSpec{NodeName: "loaded"}, nodes.AllNodes},
		"the pod is on another":                  {[]corev1.Node{without, loaded}, &corev1.PodSpec{NodeName: "without"}, nodes.Absent},
		"the pod has more constraints than the limit": {
			[]corev1.Node{loaded}, &corev1.PodSpec{Tolerations: make([]corev1.Toleration, 256)}, nodes.Unreported,
		},
		"the pod is on an unknown node": {[]corev1.Node{loaded}, &corev1.PodSpec{NodeName: "gone"}, nodes.Unreported},
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

// Stock nodes have no image.
func TestPresenceOnUnknownNodesIsNoNodes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]nodes.Candidates{
		"the zero value":      {},
		"declared":            nodes.Declared(platforms(t, "linux/amd64")).Candidates(nil),
		"declared, and bound": nodes.Declared(nil).Candidates(&corev1.PodSpec{NodeName: "n"}),
	} {
		if got := c.Presence(webImage()); got != nodes.NoNodes {
			t.Errorf("%s: got %d, want NoNodes", name, got)
		}
	}
}

func TestMayHaveLayers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		nodes []corev1.Node
		want  bool
	}{
		"no node":                    {nil, false},
		"other images":               {[]corev1.Node{newNode("a", "linux/amd64")}, false},
		"the image":                  {[]corev1.Node{newNode("a", "linux/amd64", withImage(web))}, true},
		"another tag":                {[]corev1.Node{newNode("a", "linux/amd64", withImage("registry.example/shop/web:2"))}, true},
		"by digest":                  {[]corev1.Node{newNode("a", "linux/amd64", withImage(webDigest))}, true},
		"the digest by another name": {[]corev1.Node{newNode("a", "linux/amd64", withImage("mirror.example/web@"+digest))}, true},
		"another repository":         {[]corev1.Node{newNode("a", "linux/amd64", withImage("registry.example/shop/webs:1"))}, false},
		"on one of two":              {[]corev1.Node{newNode("a", "linux/amd64"), newNode("b", "linux/amd64", withImage(web))}, true},
		"on a cordoned node":         {[]corev1.Node{newNode("a", "linux/amd64", withImage(web), cordoned)}, true},
		"on an infeasible node":      {[]corev1.Node{newNode("a", "linux/amd64", withImage(web), withTaint("mine", corev1.TaintEffectNoSchedule))}, false},
		"a full list":                {[]corev1.Node{newNode("a", "linux/amd64", withImages(50))}, true},
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
		t.Error("MayHaveLayers() = true for unknown nodes")
	}
}
