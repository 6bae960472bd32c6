package nodes

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// labelled returns a Node object with labels, and with images by their names.
func labelled(name string, labels map[string]string, images ...string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Status:     corev1.NodeStatus{Images: []corev1.ContainerImage{{Names: append(images, "registry.k8s.io/pause:3.10")}}},
	}
}

// Nodes report every ten seconds. Candidates stay valid then, and only the latest object stays in memory.
func TestAHeartbeatChangesNoGroup(t *testing.T) {
	t.Parallel()
	x, o := newIndex(), labelled("a", map[string]string{"pool": "web"}, "registry.example/web:1")
	x.put(newNode(o))
	before, group, latest := x.generation, x.byNode["a"], newNode(o)
	x.put(latest)
	if x.generation != before || x.byNode["a"] != group || len(x.groups) != 1 {
		t.Errorf("generation = %d with %d groups, want %d and the same group", x.generation, len(x.groups), before)
	}
	if group.nodes["a"] != latest {
		t.Error("the former object of the node stays in memory")
	}
}

func TestLabelsAboveTheLimitAreIdentifying(t *testing.T) {
	t.Parallel()
	x, many := newIndex(), make(map[string]string)
	for i := range maxLabelKeys {
		many["key-"+strconv.Itoa(i)] = ""
	}
	x.put(newNode(labelled("many", many)))
	x.put(newNode(labelled("a", map[string]string{"late": "a"}, "registry.example/web:1")))
	x.put(newNode(labelled("b", map[string]string{"late": "b"})))
	if len(x.values) != maxLabelKeys || len(x.groups) != 2 {
		t.Errorf("%d labels and %d groups, want %d and 2", len(x.values), len(x.groups), maxLabelKeys)
	}
	in := func(operator corev1.NodeSelectorOperator, values ...string) *corev1.PodSpec {
		return &corev1.PodSpec{Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{
				{MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "late", Operator: operator, Values: values}}},
			}},
		}}}
	}
	for name, test := range map[string]struct {
		spec *corev1.PodSpec
		want Presence
	}{
		"selector":     {&corev1.PodSpec{NodeSelector: map[string]string{"late": "a"}}, AllNodes},
		"other value":  {&corev1.PodSpec{NodeSelector: map[string]string{"late": "b"}}, Absent},
		"In":           {in(corev1.NodeSelectorOpIn, "a"), AllNodes},
		"NotIn":        {in(corev1.NodeSelectorOpNotIn, "a"), Absent},
		"Exists":       {in(corev1.NodeSelectorOpExists), SomeNodes},
		"DoesNotExist": {in(corev1.NodeSelectorOpDoesNotExist), Absent},
	} {
		c := clusterNodes{index: x, known: true}.candidates(test.spec).WithProfile(Profile{VerifyImages: imagepull.NeverVerify})
		if got := c.Presence(imagepull.Reference{Domain: "registry.example", Path: "web", Tag: "1"}); got != test.want {
			t.Errorf("%s: presence = %d, want %d", name, got, test.want)
		}
	}
}

// A cluster that replaces its nodes has new host names all the time.
func TestDeletedNodesLeaveNothing(t *testing.T) {
	t.Parallel()
	x := newIndex()
	for i := range 3 * maxLabelValues {
		name := "node-" + strconv.Itoa(i)
		x.put(newNode(labelled(name, map[string]string{corev1.LabelHostname: name})))
		x.delete("node-" + strconv.Itoa(i-1))
	}
	x.delete("node-" + strconv.Itoa(3*maxLabelValues-1))
	if len(x.owners)+len(x.byNode)+len(x.byKey)+len(x.groups) != 0 {
		t.Errorf("%d owners, %d nodes and %d groups, want none", len(x.owners), len(x.byNode), len(x.groups))
	}
}
