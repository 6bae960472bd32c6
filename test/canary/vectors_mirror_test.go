package canary

// withHeader is a hosts.toml with a mirror that gets a header of its own.
const withHeader = `
[host."https://mirror.example"]
  capabilities = ["pull", "resolve"]
  [host."https://mirror.example".header]
    X-Token = "{header.token}"
    Cookie = ["session={header.user}"]
`

// mirrored returns a vector with a hosts.toml for registry.example. The mirror may receive the registry's credential, as on a node,
// and the canary header, which is in the file.
func mirrored(toml string, mirror site) vector {
	return vector{
		files:  map[string]string{"hosts/registry.example/hosts.toml": toml},
		config: "nodes: {hostsDir: '{dir}/hosts'}",
		sites:  map[string]site{"mirror.example:443": mirror},
		belongs: map[string][]string{
			"alice": {"mirror.example:443", "registry.example:443"}, "header": {"mirror.example:443"},
		},
	}
}

// everywhere returns a site that redirects all requests for manifests.
func everywhere(location string) site {
	return site{redirect: map[string]string{"HEAD": location, "anonymous": location}}
}

// change returns the vector after the change.
func change(v vector, f func(*vector)) vector {
	f(&v)
	return v
}

func mirrorVectors() map[string]vector {
	return map[string]vector{
		"mirror: its realm is elsewhere":       mirrored(withHeader, site{challenge: bearer("https://evil.example/token")}),
		"mirror: its realm is on another port": mirrored(withHeader, site{challenge: bearer("https://mirror.example:8443/token")}),
		"mirror: it lacks the image":           mirrored(withHeader, site{status: 404}),
		"mirror: it fails":                     mirrored(withHeader, site{status: 500}),
		"mirror: it denies":                    mirrored(withHeader, site{status: 403}),
		"mirror: it redirects elsewhere":       mirrored(withHeader, everywhere("https://evil.example{path}")),
		"mirror: it redirects to the registry": mirrored(withHeader, everywhere("https://registry.example{path}")),
		"mirror: it redirects to plain HTTP":   mirrored(withHeader, everywhere("http://mirror.example{path}")),
		"mirror: it redirects to another port": change(mirrored(withHeader, everywhere("https://mirror.example:8443{path}")), func(v *vector) {
			v.belongs["alice"] = append(v.belongs["alice"], "mirror.example:8443")
			v.belongs["header"] = append(v.belongs["header"], "mirror.example:8443")
		}),
		"mirror: it redirects to a name below": change(mirrored(withHeader, everywhere("https://cdn.mirror.example{path}")), func(v *vector) {
			v.belongs["alice"] = append(v.belongs["alice"], "cdn.mirror.example:443")
		}),
		"mirror: its token service is a name below": change(mirrored(withHeader, site{challenge: bearer("https://auth.mirror.example/token")}), func(v *vector) {
			v.belongs["alice"] = append(v.belongs["alice"], "auth.mirror.example:443")
			v.visits = []string{"auth.mirror.example:443"}
		}),
		"mirror: its realm is elsewhere and the pod has no secret": change(mirrored(withHeader, site{challenge: bearer("https://evil.example/token")}), func(v *vector) {
			v.steps = []step{
				{image: "registry.example/shop/web:1", secrets: []string{}, without: []string{"alice"}},
				{image: "registry.example/control/web:1", allowed: true},
			}
		}),
		"mirror: its header is an authorization": change(mirrored(`
[host."https://mirror.example".header]
  Authorization = "Basic {header.auth}"
`, everywhere("https://evil.example{path}")), func(v *vector) {
			v.secrets = map[string]string{}
			v.belongs = map[string][]string{"header": {"mirror.example:443"}}
			v.visits = []string{"evil.example:443"}
		}),
		"mirror: plain HTTP": change(mirrored(`[host."http://mirror.example"]`, site{}), func(v *vector) {
			v.sites = map[string]site{"mirror.example:80": {challenge: bearer("http://mirror.example/token")}}
			v.control = "registry2.example/control/web:1"
			v.secrets = map[string]string{"shop/regcred": `{"auths":{"registry.example":{"auth":"{alice.auth}"},"registry2.example":{"auth":"{alice.auth}"}}}`}
			v.belongs = map[string][]string{"alice": {"mirror.example:80", "registry.example:443", "registry2.example:443"}}
			v.serveOnly = true // the proxy receives plain HTTP
		}),
		"mirror: of another registry": {
			files:  map[string]string{"hosts/registry2.example/hosts.toml": `[host."https://mirror.example"]`},
			config: "nodes: {hostsDir: '{dir}/hosts'}",
			image:  "registry2.example/shop/web:1",
			visits: []string{"mirror.example:443"},
		},
		"mirror: a secret for the mirror itself": change(mirrored(`[host."https://mirror.example"]`, site{}), func(v *vector) {
			v.secrets = map[string]string{"shop/regcred": `{"auths":{"mirror.example":{"auth":"{alice.auth}"}}}`}
			v.belongs = map[string][]string{"alice": {"mirror.example:443"}}
			v.steps = []step{
				{image: "registry.example/shop/web:1", without: []string{"alice"}},
				{image: "mirror.example/control/web:1", allowed: true},
				{image: "registry.example/shop/web:2", without: []string{"alice"}},
			}
		}),
		"mirror: a password in its URL": change(mirrored(`[host."https://{alice.user}:{alice.escaped}@mirror.example"]`, site{}), func(v *vector) {
			v.secrets = map[string]string{"shop/regcred": `{"auths":{"registry2.example":{"auth":"{alice.auth}"}}}`}
			v.belongs = map[string][]string{"alice": {"registry2.example:443", "mirror.example:443"}}
			v.control = "registry2.example/control/web:1"
		}),
		"mirror: an invalid value of a header": invalidFile("[host.\"https://mirror.example\".header]\nX-Token = {header.token}"),
		"mirror: an invalid name of a header":  invalidFile("[host.\"https://mirror.example\".header]\n\"X {header.token}\" = \"{header.token}\""),
		"mirror: an invalid key":               invalidFile("server = \"https://registry.example\"\nskip_verify = \"{header.token}\""),
	}
}

// invalidFile returns a vector with an invalid hosts.toml for registry2.example, and a good one for registry.example.
func invalidFile(toml string) vector {
	return change(mirrored(withHeader, site{}), func(v *vector) {
		v.files["hosts/registry2.example/hosts.toml"] = toml
		v.image = "registry2.example/shop/web:1"
	})
}
