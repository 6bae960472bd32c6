package truth

import (
	"fmt"
	"math/rand/v2"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// Generate makes up n scenarios, the same for the same seed: a registry of some kind, what it holds, a mirror before it or
// none, what the node and the pod have to show, and faults. They expect nothing: what the kubelet does is what counts.
func Generate(seed uint64, n int) []*Scenario {
	var all []*Scenario
	for i := range n {
		g := generator{rand.New(rand.NewPCG(seed, uint64(i))), fmt.Sprintf("random-%d.example", i), fmt.Sprintf("mirror-%d.example", i)}
		s := g.scenario()
		s.Name = fmt.Sprintf("random/%d-%d", seed, i)
		s.Title = fmt.Sprintf("Made up, as number %d of seed %d.", i, seed)
		all = append(all, s)
	}
	return all
}

// generator makes up one scenario.
type generator struct {
	*rand.Rand
	host, mirror string
}

// repository and tag are where the image is, if it is anywhere.
const (
	repository = "team/app"
	tag        = "1"
)

func (g generator) scenario() *Scenario {
	s := &Scenario{Registries: []Registry{g.registry(g.host)}}
	if g.oneIn(3) {
		g.addMirror(s)
	}
	pod := corev1.PodSpec{Containers: []corev1.Container{{
		Name: "app", Image: g.host + "/" + g.reference(), ImagePullPolicy: corev1.PullAlways,
	}}}
	for i := range g.IntN(3) {
		name := fmt.Sprintf("secret-%d", i)
		if s.Secrets == nil {
			s.Secrets = map[string]Secret{}
		}
		s.Secrets[name] = g.secret()
		pod.ImagePullSecrets = append(pod.ImagePullSecrets, corev1.LocalObjectReference{Name: name})
	}
	if g.oneIn(8) {
		pod.ImagePullSecrets = append(pod.ImagePullSecrets, corev1.LocalObjectReference{Name: "missing"})
	}
	if g.oneIn(6) {
		s.Node.Config = map[string]string{g.key(): g.account()}
	}
	s.Pod = &pod
	return s
}

func (g generator) oneIn(n int) bool { return g.IntN(n) == 0 }

// pick chooses one of several.
func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

func (g generator) registry(name string) Registry {
	r := Registry{Name: name, Auth: pick(g, "none", "none", "basic", "bearer", "bearer", "bearer")}
	if r.Auth != "none" {
		r.Accounts = map[string]string{"reader": "right", "stranger": "known"}
		r.Access = map[string][]string{"reader": {"*"}, "stranger": {"elsewhere/*"}}
		r.DenyStatus = pick(g, 0, 401, 403, 404)
		r.RevealMissing = g.oneIn(3)
		if g.oneIn(2) {
			r.Public, r.ChallengePublic = []string{repository}, g.oneIn(2)
		}
	}
	if r.Auth == "bearer" {
		r.Token.RefusePost = pick(g, 0, 0, 404, 405)
		r.Token.Omit = pick(g, nil, nil, []string{"token"}, []string{"access_token"}, []string{"expires_in"})
	}
	r.Holds = g.content()
	r.Faults = g.faults()
	r.Down = g.oneIn(40)
	return r
}

// content is an image, an index or nothing of the kind.
func (g generator) content() []Push {
	ref := repository + ":" + tag
	switch g.IntN(12) {
	case 0:
		return nil
	case 1:
		return []Push{{Image: repository + ":other"}}
	case 2, 3, 4, 5:
		return []Push{{Index: ref, Entries: g.entries()}}
	case 6:
		return []Push{{Image: ref, Platform: pick(g, "linux/amd64", "linux/arm64", "windows/amd64"), Docker: true}}
	}
	return []Push{{Image: ref}}
}

func (g generator) entries() []Entry {
	platforms := []string{
		"linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm/v7", "linux/386", "linux/amd64/v2", "unknown/unknown",
		"windows/amd64", "linux/x86_64", "linux/s390x",
	}
	g.Shuffle(len(platforms), func(i, j int) { platforms[i], platforms[j] = platforms[j], platforms[i] })
	var entries []Entry
	for _, p := range platforms[:g.IntN(8)] {
		entries = append(entries, Entry{Platform: p})
	}
	return entries
}

// faults are such as show when a manifest is looked for: what comes later Pullgate does not see.
func (g generator) faults() []Fault {
	if !g.oneIn(8) {
		return nil
	}
	f := Fault{Path: "/v2/" + repository + "/manifests/*", Method: pick(g, "", "HEAD"), AfterAuth: g.oneIn(2)}
	switch g.IntN(4) {
	case 0:
		f.Header = map[string][]string{"Content-Type": {pick(g, "text/html", "application/json", "text/plain")}}
	case 1:
		f.DropHeader = []string{pick(g, "Docker-Content-Digest", "Content-Type")}
	default:
		f.Status = pick(g, 400, 401, 403, 404, 405, 410, 429, 500, 501, 502, 503, 504)
	}
	return []Fault{f}
}

func (g generator) reference() string {
	if !g.oneIn(8) {
		return repository + ":" + tag
	}
	return repository + pick(g, ":2", "", "@sha256:"+fmt.Sprintf("%064x", 7))
}

// secret has one to three entries.
func (g generator) secret() Secret {
	s := Secret{Auths: map[string]string{}}
	for range 1 + g.IntN(3) {
		s.Auths[g.key()] = g.account()
	}
	return s
}

// key is one under which a credential may be found, or not quite.
func (g generator) key() string {
	return pick(g, g.host, g.host, g.host+"/team", g.host+"/te", g.host+"/"+repository, g.host+"/other", "*.example",
		"https://"+g.host, "https://"+g.host+"/v1/", g.host+":443", g.mirror, "unrelated.example", "*")
}

func (g generator) account() string {
	return pick(g, "reader:right", "reader:right", "reader:right", "reader:right", "reader:wrong", "stranger:known", "nobody:none", "")
}

// addMirror puts a mirror before the registry.
func (g generator) addMirror(s *Scenario) {
	mirror := g.registry(g.mirror)
	// Whether the same content is behind both is for chance to say; that of equal seeds is not the same.
	s.Registries = append(s.Registries, mirror)
	capabilities := pick(g, `["pull", "resolve"]`, `["pull", "resolve"]`, `["pull"]`, `["resolve"]`)
	text := fmt.Sprintf("[host.\"https://%s\"]\n  ca = \"ca.crt\"\n  capabilities = %s\n", g.mirror, capabilities)
	if g.oneIn(2) {
		text = fmt.Sprintf("server = \"https://%s\"\nca = \"ca.crt\"\n\n%s", g.host, text)
	}
	s.Node.Hosts = map[string]string{g.host: text}
	slices.Reverse(s.Registries)
}
