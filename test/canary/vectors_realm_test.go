package canary

import "fmt"

// realm returns a vector in which the registry names a token service.
func realm(url string) vector { return vector{registry: site{challenge: bearer(url)}} }

// realmVectors returns the token services that a registry may name. SECURITY.md, "Where credentials go", has the rule.
func realmVectors() map[string]vector {
	return map[string]vector{
		"realm: another domain":                    realm("https://evil.example/token"),
		"realm: a sibling domain":                  realm("https://registry2.example/token"),
		"realm: the parent domain":                 realm("https://example/token"),
		"realm: the registry's name as a prefix":   realm("https://registry.example.evil.example/token"),
		"realm: the registry's name as a suffix":   realm("https://evilregistry.example/token"),
		"realm: a dash before the domain":          realm("https://registry.example-evil.example/token"),
		"realm: a final dot":                       realm("https://registry.example./token"),
		"realm: another domain with a final dot":   realm("https://registry.example.evil.example./token"),
		"realm: upper case":                        realm("HTTPS://REGISTRY.EXAMPLE/token"),
		"realm: another domain in upper case":      realm("https://EVIL.EXAMPLE/token"),
		"realm: user information like a host":      realm("https://registry.example@evil.example/token"),
		"realm: user information with a port":      realm("https://registry.example:443@evil.example/token"),
		"realm: a backslash":                       realm(`https://evil.example\@registry.example/token`),
		"realm: a fragment before the host":        realm("https://evil.example#@registry.example/token"),
		"realm: a query before the host":           realm("https://evil.example?.registry.example/token"),
		"realm: another port":                      realm("https://registry.example:8443/token"),
		"realm: another port of the subdomain":     realm("https://auth.registry.example:8443/token"),
		"realm: plain HTTP":                        realm("http://registry.example/token"),
		"realm: plain HTTP on port 443":            realm("http://registry.example:443/token"),
		"realm: a letter of another alphabet":      realm("https://registry.ex\u0430mple/token"),
		"realm: full-width letters":                realm("https://\uff52egistry.example/token"),
		"realm: an ideographic full stop":          realm("https://registry.example\u3002evil.example/token"),
		"realm: a full-width slash":                realm("https://evil.example\uff0f.registry.example/token"),
		"realm: an escaped dot":                    realm("https://registry%2eexample.evil.example/token"),
		"realm: a tab in the host":                 challenged("Bearer realm=\"https://evil.example\t.registry.example/token\""),
		"realm: without a scheme":                  realm("//evil.example/token"),
		"realm: another scheme":                    realm("ftp://evil.example/token"),
		"realm: a relative path":                   realm("/token"),
		"realm: a service like a URL":              {registry: site{challenge: []string{`Bearer realm="https://registry.example/token",service="https://evil.example/token"`}}},
		"realm: a host that egress.allow lists":    {registry: site{challenge: bearer("https://evil.example/token")}, config: "egress: {allow: [evil.example]}"},
		"realm: another customer of Azure":         shared("one.azurecr.io", "two.azurecr.io"),
		"realm: another customer of JFrog":         shared("one.jfrog.io", "two.jfrog.io"),
		"realm: another customer of Google":        shared("europe-docker.pkg.dev", "evil-docker.pkg.dev"),
		"realm: another customer of AWS":           shared("1.dkr.ecr.eu-west-1.amazonaws.com", "evil.s3.amazonaws.com"),
		"realm: another customer of Harbor":        shared("one.container-registry.com", "two.container-registry.com"),
		"realm: another user of GitHub":            shared("one.github.io", "two.github.io"),
		"realm: another address of nip.io":         shared("one.10.1.2.3.nip.io", "evil.10.6.6.6.nip.io"),
		"realm: a Service of another namespace":    shared("registry.one.svc", "registry.two.svc"),
		"realm: a Service of the cluster's domain": shared("registry.one.svc.cluster.local", "registry.two.svc.cluster.local"),
		"realm: a token service that redirects":    below(site{redirect: map[string]string{"token": "https://evil.example{path}"}}),
		"realm: a token service that fails":        below(site{status: 500}),
		"realm: a token service below the registry, which is its own": {
			registry: site{challenge: bearer("https://auth.registry.example/token")},
			belongs:  map[string][]string{"alice": {"auth.registry.example:443", "registry.example:443"}},
		},
	}
}

// shared returns a vector in which a registry names a token service of the same domain with another owner.
func shared(registry, service string) vector {
	return vector{
		sites:   map[string]site{registry + ":443": {challenge: bearer("https://" + service + "/token")}},
		image:   registry + "/shop/web:1",
		control: registry + "/control/web:1",
		secrets: map[string]string{"shop/regcred": fmt.Sprintf(`{"auths":{%q:{"auth":"{alice.auth}"}}}`, registry)},
		config:  fmt.Sprintf("egress: {allow: [%q]}", registry),
		belongs: map[string][]string{"alice": {registry + ":443"}},
	}
}

// below returns a vector in which the registry names a hostile token service below its own name.
func below(service site) vector {
	return vector{
		registry: site{challenge: bearer("https://auth.registry.example/token")},
		sites:    map[string]site{"auth.registry.example:443": service},
		belongs:  map[string][]string{"alice": {"registry.example:443", "auth.registry.example:443"}},
		visits:   []string{"auth.registry.example:443"},
	}
}

// addressVectors returns a realm and a redirect for each notation of an address.
func addressVectors() map[string]vector {
	all := map[string]vector{}
	for name, host := range map[string]string{
		"loopback":                       "127.0.0.1",
		"another port of loopback":       "127.0.0.1:8443",
		"decimal":                        "2130706433",
		"hexadecimal":                    "0x7f000001",
		"octal":                          "0177.0.0.1",
		"short":                          "127.1",
		"IPv6 loopback":                  "[::1]",
		"IPv4-mapped":                    "[::ffff:127.0.0.1]",
		"IPv4-mapped in hexadecimal":     "[::ffff:7f00:1]",
		"IPv4-compatible":                "[::127.0.0.1]",
		"NAT64":                          "[64:ff9b::7f00:1]",
		"zone":                           "[fe80::1%25eth0]",
		"unspecified":                    "0.0.0.0",
		"metadata":                       "169.254.169.254",
		"IPv6 metadata":                  "[fd00:ec2::254]",
		"private":                        "10.0.0.1",
		"public":                         "203.0.113.1",
		"localhost":                      "localhost",
		"a name below localhost":         "registry.localhost",
		"registry's name before address": "registry.example.127.0.0.1",
	} {
		all["address: realm: "+name] = realm("https://" + host + "/token")
		all["address: redirect: "+name] = vector{registry: site{redirect: map[string]string{"HEAD": "https://" + host + "{path}"}}}
	}
	return all
}
