package nodes

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// answers are all results for one pod and one image.
type answers struct {
	Presence, Layers Presence
	Pulled           bool
	Fit              Fit
	Compared         []imagepull.Platform
	Entries          [][]int
	Certain          bool
	Schema1, CRIO    bool
}

func newAnswers(c Candidates, presence Presence, ref imagepull.Reference, offered []imagepull.Platform) answers {
	a := answers{
		Presence: presence, Layers: c.PresenceOfLayers(ref.Repository(), digestOf(1)), Pulled: c.HavePulledFrom(ref.Domain),
		Schema1: c.MayPullSchema1(), CRIO: c.MayRunCRIO(),
	}
	a.Fit, a.Compared = c.Serve(offered)
	a.Entries, a.Certain = c.FetchedEntries(offered)
	return a
}

// The expected results come from a search that compares the pod with each node, and reads each node's list.
func TestGroupsAnswerAsTheirNodes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(24) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			r := random{rand.New(rand.NewPCG(seed, 1))}
			x, plain := newIndex(), make(map[string]both)
			size := []int{1, 3, 12, 90}[seed%4]
			for range 4 {
				for range size {
					r.change(x, plain, size)
				}
				before := clusterNodes{index: x, known: true}
				for range 60 {
					spec, ref, profile := r.pod(size), r.reference(), r.profile()
					c := before.candidates(spec).WithProfile(profile)
					if r.oneOf(20) {
						// The cluster changes between the selection of the nodes and the search for the image.
						r.change(x, plain, size)
						c, _ = c.latestForTest()
					}
					expected := eachNode(plain, spec).WithProfile(profile)
					offered := r.offered()
					want := newAnswers(expected, presenceOnEach(plain, expected, ref), ref, offered)
					if diff := cmp.Diff(want, newAnswers(c, c.Presence(ref), ref, offered)); diff != "" {
						t.Fatalf("%d nodes, pod %+v, image %s, profile %+v: (-each node +groups):\n%s", len(plain), spec, ref, profile, diff)
					}
				}
			}
		})
	}
}

// latestForTest returns the latest candidates without the lock.
func (c Candidates) latestForTest() (Candidates, bool) {
	latest, unlock := c.latest()
	unlock()
	return latest, latest.generation == c.generation
}

// both are a Node object and what is stored of it.
type both struct {
	object *corev1.Node
	stored *node
}

// eachNode returns the candidates as parts of one node.
func eachNode(all map[string]both, spec *corev1.PodSpec) Candidates {
	x := newIndex()
	for name, n := range all {
		x.groups = append(x.groups, (&group{traits: n.stored.traits}).part(map[string]*node{name: n.stored}))
	}
	f := newFilter(spec)
	c := clusterNodes{index: new(index), known: true}.candidates(spec)
	c.cluster.index, c.rules, c.expected = x, rulesOf(x.groups), expectedPlatforms(x.groups)
	if c.known = f.constraints() <= maxConstraints; !c.known {
		return c
	}
	for _, g := range x.groups {
		for name := range g.nodes {
			c.add(g, f.feasibility(name, &g.traits))
		}
	}
	c.known = spec.NodeName == "" || len(c.feasible) > 0
	return c
}

// presenceOnEach searches the names that Node objects report.
func presenceOnEach(all map[string]both, c Candidates, ref imagepull.Reference) Presence {
	if !c.known {
		return Unreported
	}
	if len(c.feasible)+len(c.unavailable) == 0 {
		return NoNodes
	}
	candidates, others := c.feasible, c.unavailable
	if len(candidates) == 0 && c.isNarrowed {
		candidates, others = others, nil
	}
	search := func(size kibibytes) Presence {
		present, unverified, states := 0, 0, make(map[imageState]int)
		for i, g := range slices.Concat(candidates, others) {
			for name := range g.nodes {
				state := stateOn(all[name], ref, size, c.profile)
				states[state]++
				if found := state == stateLoaded || state == statePulled; found && i < len(candidates) {
					present++
					if c.profile.mayVerify(g, state == statePulled) {
						unverified++
					}
				}
			}
		}
		switch {
		case len(candidates) > 0 && present == len(candidates) && unverified > 0:
			return AllNodesUnverified
		case len(candidates) > 0 && present == len(candidates):
			return AllNodes
		case states[stateLoaded]+states[statePulled] > 0:
			return SomeNodes
		case states[stateUnreported] > 0:
			return Unreported
		case states[stateRecent] > 0:
			return NotYetReported
		case len(c.feasible) == 0:
			return NoNodes
		}
		return Absent
	}
	presence := search(0)
	if presence != Unreported || ref.Digest == "" {
		return presence
	}
	var smallest kibibytes
	if platforms := nodePlatformsOf(c.schedulable()); len(platforms) == 1 {
		for _, n := range all {
			for _, image := range n.object.Status.Images {
				size := kibibytes(image.SizeBytes >> 10)
				if slices.Contains(image.Names, ref.String()) && size > 0 && (smallest == 0 || size < smallest) &&
					platforms[0].equals(nodePlatform{n.stored.platform, n.stored.rules}) {
					smallest = size
				}
			}
		}
	}
	return search(smallest)
}

// imageState is the state of one image on one node.
type imageState string

const (
	stateAbsent     imageState = "absent"
	stateRecent     imageState = "recent"
	stateUnreported imageState = "unreported"
	stateLoaded     imageState = "loaded"
	statePulled     imageState = "pulled"
)

func stateOn(n both, ref imagepull.Reference, size kibibytes, p Profile) imageState {
	hasBase := false
	for _, image := range n.object.Status.Images {
		isDigest := func(name string) bool { return strings.Contains(name, "@") }
		switch {
		case slices.Contains(image.Names, ref.String()) && slices.ContainsFunc(image.Names, isDigest):
			return statePulled
		case slices.Contains(image.Names, ref.String()):
			return stateLoaded
		}
		hasBase = hasBase || len(image.Names) >= 5 && slices.ContainsFunc(image.Names, func(name string) bool {
			return path.Base(repositoryOf(name)) == path.Base(ref.Path)
		})
	}
	switch {
	case n.stored.images.mayOmit(size, p), hasBase:
		return stateUnreported
	case n.stored.isLocal, n.stored.images.hasLoaded:
		return stateRecent
	}
	return stateAbsent
}

// random makes nodes, pods and images with few values, so that they often match.
type random struct{ *rand.Rand }

func (r random) oneOf(n int) bool { return r.IntN(n) == 0 }

func pick[T any](r random, values ...T) T { return values[r.IntN(len(values))] }

// change adds, replaces or deletes a node.
func (r random) change(x *index, plain map[string]both, size int) {
	name := fmt.Sprintf("node-%d", r.IntN(size))
	o := plain[name].object
	switch {
	case r.oneOf(8):
		delete(plain, name)
		x.delete(name)
		return
	case o == nil || r.oneOf(2):
		o = r.node(name)
	case r.oneOf(2):
		o = o.DeepCopy()
		o.Status.Images = r.images()
	}
	plain[name] = both{o, newNode(o)}
	x.put(newNode(o))
}

func (r random) node(name string) *corev1.Node {
	o := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
		corev1.LabelHostname: "host-" + name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: pick(r, "amd64", "amd64", "arm64"),
	}}}
	if r.oneOf(2) {
		o.Labels["pool"] = pick(r, "a", "b", "3")
	}
	o.Spec.Unschedulable = r.oneOf(10)
	if r.oneOf(5) {
		o.Spec.Taints = []corev1.Taint{{Key: pick(r, "gpu", "example.com/not-ready"), Value: pick(r, "", "x"), Effect: corev1.TaintEffectNoSchedule}}
	}
	o.Status.NodeInfo.ContainerRuntimeVersion = pick(r, "containerd://2.4.2", "containerd://2.4.2", "containerd://1.7.27", "cri-o://1.37.0")
	o.Status.NodeInfo.KubeletVersion = pick(r, "v1.34.1", "v1.37.2")
	if r.oneOf(12) {
		o.Spec.ProviderID = "kind://docker/kind/node"
	}
	if !r.oneOf(6) {
		o.Status.Allocatable = corev1.ResourceList{
			corev1.ResourceCPU:    resource.MustParse(pick(r, "2", "3920m")),
			corev1.ResourceMemory: *resource.NewQuantity(1<<30+int64(r.IntN(4))<<12, resource.BinarySI),
		}
		if r.oneOf(3) {
			o.Status.Allocatable["example.com/gpu"] = resource.MustParse(pick(r, "1", "8"))
		}
	}
	o.Status.Images = r.images()
	return o
}

const repositories = "registry.example/shop/web other.example/web registry.example/shop/api"

func digestOf(i int) string { return fmt.Sprintf("sha256:%064d", i) }

func (r random) images() []corev1.ContainerImage {
	var all []corev1.ContainerImage
	for _, repository := range strings.Fields(repositories) {
		if r.oneOf(2) {
			continue
		}
		names := []string{repository + ":" + pick(r, "1", "2")}
		if r.oneOf(2) {
			names = append(names, repository+"@"+digestOf(1))
		}
		for r.oneOf(6) || len(names) == 4 {
			names = append(names, fmt.Sprintf("%s:extra-%d", repository, len(names)))
		}
		all = append(all, corev1.ContainerImage{Names: names, SizeBytes: int64(r.IntN(4)) << 20})
	}
	for i := range r.IntN(3) {
		all = append(all, corev1.ContainerImage{Names: []string{"registry.k8s.io/filler:" + strconv.Itoa(i)}, SizeBytes: 1 << 20})
	}
	return all
}

func (r random) reference() imagepull.Reference {
	domain, path, _ := strings.Cut(pick(r, strings.Fields(repositories)...), "/")
	if r.oneOf(3) {
		return imagepull.Reference{Domain: domain, Path: path, Digest: digestOf(1)}
	}
	return imagepull.Reference{Domain: domain, Path: path, Tag: pick(r, "1", "2")}
}

func (r random) profile() Profile {
	return Profile{
		MaxReportedImages: pick(r, 0, -1, 2, 3, 4),
		VerifyImages:      pick(r, imagepull.NeverVerifyPreloadedImages, imagepull.NeverVerify, imagepull.AlwaysVerify),
		LocalImagePull:    r.oneOf(4),
	}
}

func (r random) offered() []imagepull.Platform {
	all := []imagepull.Platform{{OS: "linux", Architecture: "amd64"}, {OS: "linux", Architecture: "arm64"}, {OS: "linux", Architecture: "386"}, {}}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:1+r.IntN(len(all))]
}

func (r random) pod(size int) *corev1.PodSpec {
	spec := new(corev1.PodSpec)
	name := func() string { return fmt.Sprintf("node-%d", r.IntN(size+1)) }
	if r.oneOf(3) {
		spec.NodeSelector = map[string]string{"pool": pick(r, "a", "b", "none")}
	}
	if r.oneOf(12) {
		spec.NodeSelector = map[string]string{corev1.LabelHostname: "host-" + name()}
	}
	if r.oneOf(3) {
		var terms []corev1.NodeSelectorTerm
		for range 1 + r.IntN(2) {
			terms = append(terms, r.term(name))
		}
		spec.Affinity = &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: terms},
		}}
	}
	switch r.IntN(12) {
	case 0:
		spec.NodeName = name()
	case 1:
		spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "example.com/gate"}}
	case 2:
		spec.ResourceClaims = []corev1.PodResourceClaim{{Name: "claim"}}
	case 3:
		spec.NodeSelector = make(map[string]string)
		for i := range maxConstraints {
			spec.NodeSelector[strconv.Itoa(i)] = ""
		}
	case 4:
		spec.Tolerations = []corev1.Toleration{{Operator: corev1.TolerationOpExists}}
	case 5:
		spec.Tolerations = []corev1.Toleration{{Key: "gpu", Value: pick(r, "", "x")}}
	}
	if r.oneOf(2) {
		spec.Containers = []corev1.Container{{Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse(pick(r, "1", "3900m", "3920m", "3930m", "8")),
			// The range of a group includes this amount, and the nodes of the group differ.
			corev1.ResourceMemory: *resource.NewQuantity(1<<30+int64(r.IntN(4))<<12, resource.BinarySI),
		}}}}
		if r.oneOf(3) {
			spec.Containers[0].Resources.Requests["example.com/gpu"] = resource.MustParse(pick(r, "1", "2"))
		}
	}
	return spec
}

func (r random) term(name func() string) corev1.NodeSelectorTerm {
	operator := pick(r, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn)
	switch r.IntN(6) {
	case 0:
		return corev1.NodeSelectorTerm{MatchFields: []corev1.NodeSelectorRequirement{
			{Key: metav1.ObjectNameField, Operator: operator, Values: []string{name()}},
		}}
	case 1:
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: corev1.LabelHostname, Operator: operator, Values: []string{"host-" + name(), "host-" + name()}},
		}}
	case 2:
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: "pool", Operator: pick(r, corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist)},
		}}
	case 3:
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: "pool", Operator: pick(r, corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt), Values: []string{"2"}},
		}}
	case 4:
		return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
			{Key: corev1.LabelHostname, Operator: pick(r, corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist)},
		}}
	}
	return corev1.NodeSelectorTerm{MatchExpressions: []corev1.NodeSelectorRequirement{
		{Key: "pool", Operator: operator, Values: []string{"a", "c"}}, {Key: corev1.LabelArchStable, Operator: corev1.NodeSelectorOpIn, Values: []string{"amd64"}},
	}}
}
