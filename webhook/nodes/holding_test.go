package nodes_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/nodes"
)

const (
	digest  = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	web     = "registry.example/shop/web:1"
	webRepo = "registry.example/shop/web@" + digest
)

func webImage() imagepull.Reference {
	return imagepull.Reference{Domain: "registry.example", Path: "shop/web", Tag: "1"}
}

// TestNames are about one node: whether what it reports is the image.
func TestNames(t *testing.T) {
	t.Parallel()
	byDigest := webImage()
	byDigest.Tag, byDigest.Digest = "", digest
	hub := imagepull.Reference{Domain: "docker.io", Path: "library/web", Tag: "1"}
	hubTeam := imagepull.Reference{Domain: "docker.io", Path: "team/web", Tag: "1"}
	local := imagepull.Reference{Domain: "localhost", Path: "web", Tag: "1"}
	port := imagepull.Reference{Domain: "registry:5000", Path: "web", Tag: "1"}
	tests := map[string]struct {
		ref    imagepull.Reference
		change func(*corev1.Node)
		want   nodes.Presence
	}{
		"loaded":                           {webImage(), holding(web), nodes.AllNodes},
		"loaded by kind":                   {webImage(), holding("docker.io/library/import-2026-11-22@"+digest, web), nodes.AllNodes},
		"pulled":                           {webImage(), holding(webRepo, web), nodes.AllNodesUnverified},
		"pulled by an older kubelet":       {webImage(), inTurn(holding(webRepo, web), kubelet("v1.34.9-gke.100")), nodes.AllNodes},
		"pulled by the first that asks":    {webImage(), inTurn(holding(webRepo, web), kubelet("v1.35.0")), nodes.AllNodesUnverified},
		"pulled by who knows":              {webImage(), inTurn(holding(webRepo, web), kubelet("devel")), nodes.AllNodesUnverified},
		"another tag":                      {webImage(), holding(webRepo, "registry.example/shop/web:2"), nodes.Absent},
		"another registry":                 {webImage(), holding("other.example/shop/web:1"), nodes.Absent},
		"the digest is not the tag":        {webImage(), holding(webRepo), nodes.Absent},
		"by digest":                        {byDigest, holding(webRepo, web), nodes.AllNodesUnverified},
		"the tag is not the digest":        {byDigest, holding(web), nodes.Absent},
		"of Docker Hub":                    {hub, holding("docker.io/library/web:1"), nodes.AllNodes},
		"of Docker Hub, as Docker says it": {hub, holding("web:1"), nodes.AllNodes},
		"of a team, as Docker says it":     {hubTeam, holding("team/web:1"), nodes.AllNodes},
		"pulled, as Docker says it":        {hubTeam, holding("team/web@"+digest, "team/web:1"), nodes.AllNodesUnverified},
		"of a host without dots":           {local, holding("localhost/web:1"), nodes.AllNodes},
		"of a host with a port":            {port, holding("registry:5000/web:1"), nodes.AllNodes},
		"no name at all":                   {webImage(), holding(), nodes.Absent},
		"an unreadable name":               {webImage(), holding("<none>@<none>", "<none>:<none>", ""), nodes.Absent},

		"a list that is not full":    {webImage(), crowded(49), nodes.Absent},
		"a full list":                {webImage(), crowded(50), nodes.Unreported},
		"more than a full list":      {webImage(), crowded(70), nodes.Unreported},
		"a full list with the image": {webImage(), inTurn(holding(web), crowded(50)), nodes.AllNodes},
		"a list not yet reported":    {webImage(), func(n *corev1.Node) { n.Status.Images = nil }, nodes.Unreported},
		"an image of many names": {
			webImage(), holding("a.example/x/y:1", "a.example/x/y:2", "a.example/x/y:3", "a.example/x/y:4", "a.example/x/y:5"), nodes.Absent,
		},
		"an image of many names, which may be ours": {
			webImage(), holding("a.example/x/y:1", "a.example/x/y:2", "a.example/x/y:3", "a.example/x/y:4", "stage.example/web:5"), nodes.Unreported,
		},
		"an image of four names": {
			webImage(), holding("a.example/x/y:1", "a.example/x/y:2", "a.example/x/y:3", "stage.example/web:5"), nodes.Absent,
		},

		"what may be an ID": {
			imagepull.Reference{Domain: "docker.io", Path: "library/sha256", Tag: digest[7:]}, holding(web), nodes.Unreported,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := snapshot(t, "", newNode("n", "linux/amd64", tt.change))
			if got := all.Candidates(nil).Presence(tt.ref); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func inTurn(changes ...func(*corev1.Node)) func(*corev1.Node) {
	return func(n *corev1.Node) {
		for _, change := range changes {
			change(n)
		}
	}
}

// TestHolding is about many nodes.
func TestHolding(t *testing.T) {
	t.Parallel()
	node := func(name string, changes ...func(*corev1.Node)) corev1.Node {
		return newNode(name, "linux/amd64", changes...)
	}
	var (
		held    = node("held", holding(web))
		fetched = node("fetched", holding(webRepo, web))
		without = node("without")
		full    = node("full", crowded(50))
		resting = node("resting", cordoned)
		asleep  = node("asleep", cordoned, holding(web))
		filled  = node("filled", cordoned, crowded(50))
		off     = node("off", tainted("gpu", corev1.TaintEffectNoSchedule), holding(web))
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
			if got := snapshot(t, "", tt.nodes...).Candidates(tt.spec).Presence(webImage()); got != tt.want {
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
		"declared":            nodes.Declared(of(t, "linux/amd64")).Candidates(nil),
		"declared, by a name": nodes.Declared(nil).Candidates(&corev1.PodSpec{NodeName: "n"}),
	} {
		if got := c.Presence(webImage()); got != nodes.NoNodes {
			t.Errorf("%s: got %d, want NoNodes", name, got)
		}
	}
}
