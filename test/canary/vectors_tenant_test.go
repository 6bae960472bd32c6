package canary

// two returns a vector with the canaries alice and bob in namespaces of their own.
func two(registry site, steps ...step) vector {
	return vector{
		registry: registry,
		steps:    steps,
		secrets: map[string]string{
			"one/regcred": `{"auths":{"registry.example":{"auth":"{alice.auth}"}}}`,
			"two/regcred": `{"auths":{"registry.example":{"auth":"{bob.auth}"}}}`,
		},
		belongs: map[string][]string{"alice": {"registry.example:443"}, "bob": {"registry.example:443"}},
	}
}

// matching returns a vector with a secret for other images than the hostile one.
func matching(registry, image, control string, owners ...string) vector {
	return vector{
		secrets: map[string]string{"shop/regcred": `{"auths":{"` + registry + `":{"auth":"{alice.auth}"}}}`},
		steps: []step{
			{image: image, without: []string{"alice"}},
			{image: control, allowed: true},
			{image: image + "2", without: []string{"alice"}},
		},
		belongs: map[string][]string{"alice": owners},
	}
}

const (
	shop    = "registry.example/shop/web:1"
	control = "registry.example/control/web:1"
)

// tenantVectors returns namespaces that use the same registry one after the other.
func tenantVectors() map[string]vector {
	withBasic := site{challenge: []string{basic}}
	return map[string]vector{
		"tenant: no secret after another one's token": two(site{},
			step{namespace: "one", image: shop, allowed: true},
			step{namespace: "two", image: shop, secrets: []string{}, without: []string{"alice", "bob"}},
			step{namespace: "two", image: shop, allowed: true, without: []string{"alice"}}),
		"tenant: no secret after another one's password": two(withBasic,
			step{namespace: "one", image: shop, allowed: true},
			step{namespace: "two", image: shop, secrets: []string{}, without: []string{"alice", "bob"}},
			step{namespace: "two", image: shop, allowed: true, without: []string{"alice"}}),
		"tenant: the same image with two passwords": two(withBasic,
			step{namespace: "one", image: shop, allowed: true},
			step{namespace: "two", image: shop, allowed: true, without: []string{"alice"}},
			step{namespace: "one", image: shop + "2", allowed: true, without: []string{"bob"}}),
		"tenant: the same image with two tokens": two(site{},
			step{namespace: "one", image: shop, allowed: true},
			step{namespace: "two", image: shop, allowed: true, without: []string{"alice"}},
			step{namespace: "one", image: shop + "2", allowed: true, without: []string{"bob"}}),
		"tenant: a cached realm of the same repository": change(two(site{challenge: bearer("https://evil.example/token")},
			step{namespace: "evil", image: shop, secrets: []string{}, allowed: true, without: []string{"alice", "bob"}},
			step{namespace: "one", image: shop},
			step{namespace: "one", image: control, allowed: true, without: []string{"bob"}},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}},
		), func(v *vector) {
			v.sites = map[string]site{"evil.example:443": {open: true}}
			v.visits = []string{"evil.example:443"}
		}),
		"tenant: a cached realm of another repository": change(two(site{challenge: bearer("https://evil.example/token")},
			step{namespace: "evil", image: "registry.example/evil/web:1", secrets: []string{}, allowed: true, without: []string{"alice", "bob"}},
			step{namespace: "one", image: control, allowed: true, without: []string{"bob"}},
			step{namespace: "one", image: shop},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}},
		), func(v *vector) {
			v.sites = map[string]site{"evil.example:443": {open: true}}
			v.visits = []string{"evil.example:443"}
		}),
		"tenant: a repository without a challenge": two(site{open: true},
			step{namespace: "one", image: control, allowed: true},
			step{namespace: "one", image: shop, allowed: true, without: []string{"alice"}},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}},
			step{namespace: "two", image: shop, allowed: true, without: []string{"bob"}}),
		"tenant: a secret of another namespace by its name": two(site{},
			step{namespace: "evil", image: shop, without: []string{"alice", "bob"}},
			step{namespace: "one", image: control, allowed: true},
			step{namespace: "evil", image: control, without: []string{"alice", "bob"}},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}}),
		"tenant: a path to a secret of another namespace": two(site{},
			step{namespace: "evil", image: shop, secrets: []string{"../one/regcred", "one/regcred", "../../one/secrets/regcred"}, without: []string{"alice", "bob"}},
			step{namespace: "one", image: control, allowed: true},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}}),
		"tenant: a namespace that is a path": two(site{},
			step{namespace: "evil/../one", image: shop, without: []string{"alice", "bob"}},
			step{namespace: "one", image: control, allowed: true},
			step{namespace: "two", image: control, allowed: true, without: []string{"alice"}}),
	}
}

// matchingVectors returns images that a pull secret does not match by the kubelet's rules.
func matchingVectors() map[string]vector {
	const (
		dockerHub = "https://index.docker.io/v1/"
		hubImage  = "docker.io/control/web:1"
		hub       = "registry-1.docker.io:443"
	)
	return map[string]vector{
		"secret: for a path of the registry":           matching("registry.example/control", shop, control, "registry.example:443"),
		"secret: for a repository of the registry":     matching("registry.example/control/web", "registry.example/control2/web:1", control, "registry.example:443"),
		"secret: for another port":                     matching("registry.example:5000", shop, "registry.example:5000/control/web:1", "registry.example:5000"),
		"secret: for no port, image with a port":       matching("registry.example", "evil.example:443/shop/web:1", control, "registry.example:443"),
		"secret: a pattern and one more label":         matching("*.example", "registry.example.evil.test/shop/web:1", control, "registry.example:443"),
		"secret: a pattern of several labels":          matching("*.example", "a.registry.example/shop/web:1", control, "registry.example:443"),
		"secret: a name that begins with the registry": matching("registry.example", "registry.example.evil.example/shop/web:1", control, "registry.example:443"),
		"secret: a name that ends with the registry":   matching("registry.example", "evilregistry.example/shop/web:1", control, "registry.example:443"),
		"secret: the registry in the path of an image": matching("registry.example", "evil.example/registry.example/shop/web:1", control, "registry.example:443"),
		"secret: the registry in another spelling":     matching("registry.example", "evil.example/REGISTRY.EXAMPLE/web:1", control, "registry.example:443"),
		"Docker Hub: image of localhost": change(matching(dockerHub, "localhost/shop/web:1", hubImage, hub), func(v *vector) {
			v.config = "egress: {allow: [localhost]}"
		}),
		"Docker Hub: image of a host without a dot": change(matching(dockerHub, "HUB/shop/web:1", hubImage, hub), func(v *vector) {
			v.config = "egress: {allow: [HUB, hub]}"
		}),
		"Docker Hub: mirror of localhost": change(matching(dockerHub, "localhost/shop/web:1", hubImage, hub), func(v *vector) {
			v.files = map[string]string{"hosts/localhost/hosts.toml": `[host."https://mirror.example"]`}
			v.config = "nodes: {hostsDir: '{dir}/hosts'}"
		}),
		"Docker Hub: image of localhost with a port": change(matching(dockerHub, "localhost:5000/shop/web:1", hubImage, hub), func(v *vector) {
			v.config = "egress: {allow: ['localhost:5000']}"
		}),
		"Docker Hub: another registry": matching(dockerHub, shop, hubImage, hub),
	}
}
