package canary

import "net/http"

// proxied returns a vector whose proxy has a password of its own.
func proxied(v vector) vector {
	v.environ = []string{"HTTPS_PROXY=http://{proxy.user}:{proxy.escaped}@proxy.example:3128"}
	v.sites = map[string]site{"proxy.example:3128": {proxy: true}}
	v.belongs = map[string][]string{"alice": {"registry.example:443"}, "proxy": {"proxy.example:3128"}}
	v.visits = append(v.visits, "proxy.example:3128")
	return v
}

func proxyVectors() map[string]vector {
	demands := http.Header{"Proxy-Authenticate": {basic}, "Www-Authenticate": {basic}}
	return map[string]vector{
		"proxy: a tunnel": proxied(vector{}),
		"proxy: over TLS": change(proxied(vector{}), func(v *vector) {
			v.environ = []string{"HTTPS_PROXY=https://{proxy.user}:{proxy.escaped}@proxy.example:3128"}
		}),
		"proxy: a realm elsewhere":            proxied(realm("https://evil.example/token")),
		"proxy: a realm with an address":      proxied(realm("https://0x7f.1/token")),
		"proxy: a redirect elsewhere":         proxied(vector{registry: site{redirect: map[string]string{"HEAD": "https://evil.example{path}"}}, visits: []string{"evil.example:443"}}),
		"proxy: a redirect to the proxy":      proxied(vector{registry: site{redirect: map[string]string{"HEAD": "https://proxy.example:3128{path}"}}}),
		"proxy: a redirect to loopback":       proxied(vector{registry: site{redirect: map[string]string{"HEAD": "https://127.1{path}"}}}),
		"proxy: a registry demands its login": proxied(vector{registry: site{status: http.StatusProxyAuthRequired, header: demands}}),
		"proxy: a realm demands its login": change(proxied(below(site{status: http.StatusProxyAuthRequired, header: demands})), func(v *vector) {
			v.belongs["alice"] = append(v.belongs["alice"], "auth.registry.example:443")
			v.visits = nil
		}),
		"proxy: it refuses the login":          refusing(http.StatusProxyAuthRequired),
		"proxy: it refuses the host":           refusing(http.StatusForbidden),
		"proxy: it fails":                      refusing(http.StatusBadGateway),
		"proxy: its password on a second host": proxied(vector{image: "evil.example/shop/web:1", visits: []string{"evil.example:443"}}),
	}
}

// refusing returns a vector with a proxy that refuses all tunnels. The registry is reached without it.
func refusing(status int) vector {
	return change(proxied(vector{image: "evil.example/shop/web:1"}), func(v *vector) {
		v.environ = append(v.environ, "NO_PROXY=registry.example")
		v.sites = map[string]site{"proxy.example:3128": {proxy: true, status: status, header: http.Header{"Proxy-Authenticate": {basic}}}}
	})
}

// provider is a kubelet's configuration of credential provider plugins: the plugin of the vector, and a good one for the control.
const provider = `
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
- name: hostile
  matchImages: ["*.example/shop"]
  defaultCacheDuration: 1m
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  args: ["{alice.password}"]
  env: [{name: TOKEN, value: "{alice.token}"}]
- name: good
  matchImages: [registry.example/control]
  defaultCacheDuration: 1m
  apiVersion: credentialprovider.kubelet.k8s.io/v1
`

// response is the response of a plugin for a registry.
func response(registry string) string {
	return `{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1","cacheKeyType":"Image",` +
		`"auth":{"` + registry + `":{"username":"{alice.user}","password":"{alice.password}"}}}`
}

// plugin returns a vector with a plugin, a script of the shell.
func plugin(script string) vector {
	return vector{
		secrets: map[string]string{},
		steps: []step{
			{image: "registry.example/shop/web:1", secrets: []string{}},
			{image: "registry.example/control/web:1", secrets: []string{}, allowed: true},
			{image: "evil.example/shop/web:1", secrets: []string{}, without: []string{"alice"}},
			{image: "registry.example/shop/web:2", secrets: []string{}},
		},
		files: map[string]string{
			"providers.yaml": provider,
			"bin/hostile":    "#!/bin/sh\n" + script,
			"bin/good":       "#!/bin/sh\necho '" + response("registry.example") + "'\n",
		},
		config: "nodes: {credentialProvider: {config: '{dir}/providers.yaml', binDir: '{dir}/bin'}}",
	}
}

// pluginVectors returns the node's own credentials, from plugins and from its config.json.
func pluginVectors() map[string]vector {
	withConfig := func(registry site) vector {
		return vector{
			registry: registry,
			secrets:  map[string]string{},
			files:    map[string]string{"config.json": `{"auths":{"registry.example":{"auth":"{alice.auth}"}}}`},
			config:   "nodes: {dockerConfig: '{dir}/config.json'}",
		}
	}
	hostileRealm := site{challenge: bearer("https://evil.example/token")}
	return map[string]vector{
		"plugin: its credential":                   plugin("echo '" + response("registry.example") + "'"),
		"plugin: a realm elsewhere":                change(plugin("echo '"+response("registry.example")+"'"), func(v *vector) { v.registry = hostileRealm }),
		"plugin: the credential of another host":   plugin("echo '" + response("registry.example") + "'"),
		"plugin: an error output":                  plugin("echo '" + response("registry.example") + "' >&2; exit 1"),
		"plugin: a malformed output":               plugin("echo 'no JSON: {alice.auth} {alice.password}'"),
		"plugin: an unknown field":                 plugin(`echo '{"kind":"CredentialProviderResponse","{alice.password}":"{alice.user}"}'`),
		"plugin: a kind like a password":           plugin(`echo '{"kind":"{alice.password}","cacheKeyType":"{alice.user}"}'`),
		"plugin: its environment":                  plugin("env; env >&2; exit 3"),
		"plugin: its arguments":                    plugin(`echo "$@"; echo "$@" >&2; exit 4`),
		"plugin: it does not exist any more":       plugin("rm -- \"$0\"; exit 5 # {alice.password}"),
		"config.json: its credential":              withConfig(site{}),
		"config.json: a realm elsewhere":           withConfig(hostileRealm),
		"config.json: a redirect elsewhere":        withConfig(site{redirect: map[string]string{"HEAD": "https://evil.example{path}"}}),
		"config.json: an image of another host":    change(withConfig(site{}), func(v *vector) { v.image = "evil.example/shop/web:1" }),
		"config.json: an image of a name below it": change(withConfig(site{}), func(v *vector) { v.image = "evil.registry.example/shop/web:1" }),
	}
}
