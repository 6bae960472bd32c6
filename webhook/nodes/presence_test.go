package nodes_test

import (
	"strings"
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
	volume := &corev1.PodSpec{Volumes: []corev1.Volume{{VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}}}}
	large := &corev1.PodSpec{Containers: []corev1.Container{requesting("cpu", "8")}}
	device := &corev1.PodSpec{Containers: []corev1.Container{limiting(gpu, "1")}}
	small := node("small", withAllocatable("cpu", "4"), withImage(web))
	tests := map[string]struct {
		nodes []corev1.Node
		spec  *corev1.PodSpec
		want  nodes.Presence
	}{
		"a volume, and all":                      {[]corev1.Node{loaded, loaded}, volume, nodes.AllNodes},
		"a volume, and all, one of them pulled":  {[]corev1.Node{loaded, pulled}, volume, nodes.AllNodesUnverified},
		"a volume, and some":                     {[]corev1.Node{loaded, without}, volume, nodes.SomeNodes},
		"a volume, and none":                     {[]corev1.Node{without}, volume, nodes.NoNodes},
		"a volume, and a gate":                   {[]corev1.Node{loaded}, gated, nodes.SomeNodes},
		"only a node that is too small":          {[]corev1.Node{small}, large, nodes.NoNodes},
		"a node that is too small, and another":  {[]corev1.Node{small, without}, large, nodes.Absent},
		"only a node without the device":         {[]corev1.Node{loaded}, device, nodes.SomeNodes},
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

func TestPresenceOfLayers(t *testing.T) {
	t.Parallel()
	node := func(name string, changes ...func(*corev1.Node)) corev1.Node {
		return newNode(name, "linux/amd64", changes...)
	}
	tests := map[string]struct {
		nodes []corev1.Node
		want  nodes.Presence
	}{
		"no node":                         {nil, nodes.Absent},
		"other images":                    {[]corev1.Node{node("a", withImage(otherDigest))}, nodes.Absent},
		"other images that were loaded":   {[]corev1.Node{node("a", withImage("other.example/x:1"))}, nodes.NotYetReported},
		"a node of kind":                  {[]corev1.Node{node("a", withProvider("kind://docker/kind/a"))}, nodes.NotYetReported},
		"the image":                       {[]corev1.Node{node("a", withImage(web))}, nodes.SomeNodes},
		"another tag":                     {[]corev1.Node{node("a", withImage("registry.example/shop/web:2"))}, nodes.SomeNodes},
		"by digest":                       {[]corev1.Node{node("a", withImage(webDigest))}, nodes.SomeNodes},
		"the digest by another name":      {[]corev1.Node{node("a", withImage("mirror.example/web@"+digest))}, nodes.SomeNodes},
		"another repository":              {[]corev1.Node{node("a", withImage("registry.example/shop/webs@"+strings.Repeat("0", 64)))}, nodes.Absent},
		"on one of two":                   {[]corev1.Node{node("a"), node("b", withImage(web))}, nodes.SomeNodes},
		"on a cordoned node":              {[]corev1.Node{node("a", withImage(web), cordoned)}, nodes.SomeNodes},
		"on an infeasible node":           {[]corev1.Node{node("a", withImage(web), withTaint("mine", corev1.TaintEffectNoSchedule))}, nodes.Absent},
		"a full list":                     {[]corev1.Node{node("a", withImages(50))}, nodes.Unreported},
		"a full list, and the image":      {[]corev1.Node{node("a", withImages(50)), node("b", withImage(web))}, nodes.SomeNodes},
		"a full list, and a loaded image": {[]corev1.Node{node("a", withImages(50)), node("b", withImage("other.example/x:1"))}, nodes.Unreported},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", test.nodes...).Candidates(nil).PresenceOfLayers(webImage().Repository(), digest); got != test.want {
				t.Errorf("PresenceOfLayers() = %d, want %d", got, test.want)
			}
		})
	}
	if got := nodes.Declared(nil).Candidates(nil).PresenceOfLayers(webImage().Repository(), digest); got != nodes.Absent {
		t.Errorf("PresenceOfLayers() = %d for unknown nodes, want Absent", got)
	}
}

func TestHavePulledFrom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		host   string
		change func(*corev1.Node)
		want   bool
	}{
		"pulled":                      {"registry.example", withImage(webDigest, web), true},
		"loaded":                      {"registry.example", withImage(web), false},
		"pulled by another name":      {"registry.example", withImage("mirror.example/web@"+digest, web), false},
		"from another registry":       {"registry.example", withImage(otherDigest), false},
		"from another port":           {"registry.example", withImage("registry.example:5000/web@" + digest), false},
		"from a registry with a port": {"registry.example:5000", withImage("registry.example:5000/web@" + digest), true},
		"from Docker Hub":             {"docker.io", withImage("docker.io/library/web@" + digest), true},
		"as Docker reports":           {"docker.io", withImage("team/web@" + digest), true},
		"loaded with all digests":     {"docker.io", withImage("docker.io/library/import-2026-11-22@"+digest, web), false},
		"on a cordoned node":          {"registry.example", combined(cordoned, withImage(webDigest)), true},
		"on an infeasible node":       {"registry.example", combined(withTaint("mine", corev1.TaintEffectNoSchedule), withImage(webDigest)), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := newSnapshot(t, "", newNode("n", "linux/amd64", tt.change)).Candidates(nil).HavePulledFrom(tt.host); got != tt.want {
				t.Errorf("HavePulledFrom(%q) = %t, want %t", tt.host, got, tt.want)
			}
		})
	}
	if nodes.Declared(nil).Candidates(nil).HavePulledFrom("registry.example") {
		t.Error("HavePulledFrom() = true for unknown nodes")
	}
}
