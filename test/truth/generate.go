package truth

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Generate returns n random scenarios, the same ones for the same seed. They vary the registry and its content,
// mirrors, the token service, and the credentials of the node and the pod. They also vary the nodes and their images,
// DNS, earlier checks, and faults. They expect no reason: the result on the kubelet is the reference.
func Generate(seed uint64, n int) []*Scenario {
	var all []*Scenario
	for i := range n {
		g := generator{
			Rand: rand.New(rand.NewPCG(seed, uint64(i))),
			host: fmt.Sprintf("random-%d.example", i), steady: fmt.Sprintf("steady-%d.example", i),
			mirrors: []string{fmt.Sprintf("mirror-%d.example", i), fmt.Sprintf("mirror-%d.example:8443", i)},
		}
		g.deep = g.oneIn(3)
		s := g.scenario()
		s.Name = fmt.Sprintf("random/%d-%d", seed, i)
		s.Title = fmt.Sprintf("Random scenario %d of seed %d.", i, seed)
		all = append(all, s)
	}
	return all
}

// generator generates one scenario.
type generator struct {
	*rand.Rand

	// host is the registry's host. steady is the host of a registry without faults.
	host, steady string
	mirrors      []string
	// deep turns Pullgate's deep check on. Faults that only the deep check finds are generated only then.
	deep bool
}

// repository and tag name the image, if it exists.
const (
	repository = "team/app"
	tag        = "1"
)

func (g generator) scenario() *Scenario {
	s := &Scenario{Secrets: map[string]Secret{}}
	if g.deep {
		s.Pullgate.Config = map[string]any{"deep": true}
	}
	g.addRegistry(s, g.host)
	if g.oneIn(3) {
		g.addMirrors(s)
	}
	s.Registries = append(s.Registries, Registry{Name: g.steady, Holds: []Push{{Image: repository + ":" + tag}}})
	s.Pod = g.pod()
	for i := range g.IntN(3) {
		name := fmt.Sprintf("secret-%d", i)
		secret := g.secret()
		secret.Later = g.oneIn(12)
		s.Secrets[name] = secret
		s.Pod.ImagePullSecrets = append(s.Pod.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	if g.oneIn(8) {
		s.Pod.ImagePullSecrets = append(s.Pod.ImagePullSecrets, corev1.LocalObjectReference{Name: "missing"})
	}
	if g.oneIn(6) {
		s.Secrets["of-the-account"] = g.secret()
		s.AccountSecrets = []string{"of-the-account"}
	}
	if g.oneIn(6) {
		s.Node.Config = map[string]string{g.key(): g.account()}
	}
	if g.oneIn(6) {
		g.addNode(s)
	}
	s.Deployment = g.oneIn(10)
	if g.oneIn(8) {
		g.addEarlier(s)
	}
	if g.oneIn(20) {
		g.loadImage(s)
	}
	if g.oneIn(40) {
		g.addViews(s)
	}
	for _, r := range s.Registries {
		s.Recovers = s.Recovers || slices.ContainsFunc(r.Faults, Fault.heals)
	}
	return s
}

func (g generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// pick returns a random element.
func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// pod returns a pod with the image in one of the possible fields. Beside another container, the image need not be
// runnable.
func (g generator) pod() *corev1.PodSpec {
	app := corev1.Container{Name: "app", Image: g.image(), ImagePullPolicy: corev1.PullAlways}
	other := corev1.Container{Name: "other", Image: g.steady + "/" + repository + ":" + tag, ImagePullPolicy: corev1.PullAlways}
	switch g.IntN(8) {
	case 0:
		other.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
		source := corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: app.Image, PullPolicy: corev1.PullAlways}}
		return &corev1.PodSpec{
			Volumes: []corev1.Volume{{Name: "data", VolumeSource: source}}, Containers: []corev1.Container{other},
		}
	case 1:
		return &corev1.PodSpec{Containers: []corev1.Container{other, app}}
	case 2:
		another := app
		another.Name, another.Image = "another", g.image()
		return &corev1.PodSpec{Containers: []corev1.Container{app, another}}
	}
	return &corev1.PodSpec{Containers: []corev1.Container{app}}
}

func (g generator) image() string {
	if !g.oneIn(8) {
		return g.host + "/" + repository + ":" + tag
	}
	return g.host + "/" + repository + pick(g, ":2", "", "@sha256:"+fmt.Sprintf("%064x", 7))
}

// addNode adds a Node object that the pod tolerates, and sometimes a selector for the real node.
func (g generator) addNode(s *Scenario) {
	s.Nodes = []OtherNode{{
		Name:     "other-" + g.host,
		Platform: pick(g, "linux/arm64", "linux/arm64", "windows/amd64", "linux/amd64"),
		Cordoned: g.oneIn(4),
	}}
	if g.oneIn(3) {
		s.Pod.NodeSelector = map[string]string{corev1.LabelArchStable: "amd64", corev1.LabelOSStable: "linux"}
	}
	if g.oneIn(3) {
		s.Pod.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("50m")}
		s.Nodes[0].Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(pick(g, "10m", "100m"))}
	}
	if g.oneIn(3) {
		key := pick(g, "dedicated", "node.cilium.io/agent-not-ready", "karpenter.sh/unregistered", "ToBeDeletedByClusterAutoscaler",
			"startup-taint.cluster-autoscaler.kubernetes.io/agent")
		s.Nodes[0].Taints = []corev1.Taint{{Key: key, Effect: pick(g, corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule)}}
	}
}

// addEarlier lets Pullgate check another image of the registry before, with the same secrets. A registry without tokens
// then closes the account.
func (g generator) addEarlier(s *Scenario) {
	image := g.host + "/" + pick(g, repository, "elsewhere/app") + ":earlier"
	s.Earlier = []corev1.PodSpec{{
		ImagePullSecrets: s.Pod.ImagePullSecrets,
		Containers:       []corev1.Container{{Name: "app", Image: image, ImagePullPolicy: corev1.PullAlways}},
	}}
	for i := range s.Registries {
		if s.Registries[i].Auth == "basic" && g.oneIn(3) {
			s.Registries[i].Closes = []string{"reader"}
		}
	}
}

// loadImage loads the pod's image into the node a moment before. The node reports another one that was loaded.
func (g generator) loadImage(s *Scenario) {
	for i := range s.Pod.Containers {
		if c := &s.Pod.Containers[i]; strings.HasPrefix(c.Image, g.host) && !strings.Contains(c.Image, "@") {
			c.ImagePullPolicy = pick(g, corev1.PullIfNotPresent, corev1.PullIfNotPresent, corev1.PullNever)
			s.Node.Loads = append(s.Node.Loads, c.Image)
		}
	}
	if s.Node.Loads != nil {
		slices.Sort(s.Node.Loads)
		s.Node.Loads = slices.Compact(s.Node.Loads)
		s.Node.Images = []string{g.host + "/loaded/base:1"}
	}
}

// addViews leads Pullgate to another registry of the same name.
func (g generator) addViews(s *Scenario) {
	for i := range s.Registries {
		if r := &s.Registries[i]; r.Name == g.host {
			r.SeenBy = NodeView
		}
	}
	shadow := Registry{Name: g.host, SeenBy: PullgateView}
	switch g.IntN(3) {
	case 0:
		shadow.PlainHTTP = true
	case 1:
		shadow.Untrusted = true
	case 2:
		shadow.Down = true
	}
	s.Registries = append(s.Registries, shadow)
}

// secret returns a secret with one to three entries.
func (g generator) secret() Secret {
	s := Secret{Auths: map[string]string{}}
	for range 1 + g.IntN(3) {
		s.Auths[g.key()] = g.account()
	}
	return s
}

// key returns a key that matches the registry or nearly matches it.
func (g generator) key() string {
	return pick(g, g.host, g.host, g.host+"/team", g.host+"/te", g.host+"/"+repository, g.host+"/other", "*.example",
		"https://"+g.host, "https://"+g.host+"/v1/", g.host+":443", g.mirrors[0], "unrelated.example", "*")
}

func (g generator) account() string {
	return pick(g, "reader:right", "reader:right", "reader:right", "reader:right", "reader:wrong", "stranger:known", "nobody:none", "")
}

// addMirrors adds one or two mirrors of the registry. Their content is random and may differ from the registry's,
// even with the same seed.
func (g generator) addMirrors(s *Scenario) {
	text := ""
	if g.oneIn(2) {
		text = fmt.Sprintf("server = \"https://%s\"\n", g.host)
	}
	if !g.oneIn(8) {
		text += "ca = \"ca.crt\"\n\n"
	}
	for _, mirror := range g.mirrors[:pick(g, 1, 1, 2)] {
		g.addRegistry(s, mirror)
		text += g.hostTable(mirror)
	}
	s.Node.Hosts = map[string]string{g.host: text}
}

// hostTable returns the table of a mirror in hosts.toml.
func (g generator) hostTable(mirror string) string {
	path := ""
	if g.oneIn(12) {
		path = pick(g, "/v2", "/v2/", "/elsewhere")
	}
	text := fmt.Sprintf("[host.\"https://%s%s\"]\n", mirror, path)
	if !g.oneIn(12) {
		text += "ca = \"ca.crt\"\n"
	}
	if g.oneIn(12) {
		text += "skip_verify = true\n"
	}
	if path != "" && g.oneIn(2) {
		text += "override_path = true\n"
	}
	if g.oneIn(12) {
		const known = "Basic cmVhZGVyOnJpZ2h0" // reader:right
		text += fmt.Sprintf("header = {Authorization = %q}\n", known)
	}
	return text + pick(g, "", "", `capabilities = ["pull", "resolve"]`, `capabilities = ["pull"]`, `capabilities = ["resolve"]`) + "\n"
}
