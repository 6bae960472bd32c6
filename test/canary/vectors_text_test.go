package canary

// undecodable returns a vector with a pull secret that has the canary, and another one, which is good, for the control.
func undecodable(config string) vector {
	return vector{
		secrets: map[string]string{
			"shop/regcred": config,
			"shop/good":    `{"auths":{"registry.example":{"auth":"{alice.auth}"}}}`,
		},
		steps: []step{
			{image: "registry.example/shop/web:1", without: []string{"alice"}},
			{image: "registry.example/control/web:1", secrets: []string{"good"}, allowed: true},
		},
	}
}

// textVectors returns credentials in texts that a message could quote.
func textVectors() map[string]vector {
	return map[string]vector{
		"image: user information":                 {image: "{alice.user}:{alice.password}@registry.example/shop/web:1"},
		"image: a URL":                            {image: "https://{alice.user}:{alice.escaped}@registry.example/shop/web:1"},
		"image: user information of another host": {image: "https://{alice.user}:{alice.password}@evil.example/shop/web:1"},
		"image: only a user name":                 {image: "{alice.token}@registry.example/shop/web:1"},
		"image: user information with a slash":    {image: "https://{alice.user}:a/{alice.password}@registry.example/shop/web:1"},

		"secret: its auth is not base64":            undecodable(`{"auths":{"registry.example":{"auth":"{alice.password}"}}}`),
		"secret: its auth has more than base64":     undecodable(`{"auths":{"registry.example":{"auth":"!{alice.auth}!"}}}`),
		"secret: its auth has no colon":             undecodable(`{"auths":{"registry.example":{"auth":"{alice.encoded}"}}}`),
		"secret: its JSON ends early":               undecodable(`{"auths":{"registry.example":{"auth":"{alice.auth}"`),
		"secret: its JSON is a string":              undecodable(`"{alice.auth}"`),
		"secret: its auths are a list":              undecodable(`{"auths":["{alice.user}:{alice.password}"]}`),
		"secret: its password is a list":            undecodable(`{"auths":{"registry.example":{"username":"{alice.user}","password":["{alice.password}"]}}}`),
		"secret: it is YAML":                        undecodable("auths:\n  registry.example:\n    password: {alice.password}\n"),
		"secret: it is the base64 of a config":      undecodable("{alice.auth}"),
		"secret: a credential helper":               undecodable(`{"credsStore":"{alice.password}","credHelpers":{"registry.example":"{alice.user}"},"auths":{"registry.example":{}}}`),
		"secret: an identity token":                 undecodable(`{"auths":{"registry.example":{"identitytoken":"{alice.token}"}}}`),
		"secret: a registry token":                  undecodable(`{"auths":{"registry.example":{"registrytoken":"{alice.token}"}}}`),
		"secret: HTTP headers":                      undecodable(`{"HttpHeaders":{"X-Token":"{alice.token}"},"auths":{"registry.example":{"auth":""}}}`),
		"secret: only a user name":                  undecodable(`{"auths":{"registry.example":{"username":"{alice.user}"}}}`),
		"secret: user information in its registry":  undecodable(`{"auths":{"https://{alice.user}:{alice.escaped}@evil.example":{"username":"x","password":"{alice.password}"}}}`),
		"secret: a broken URL with the password":    undecodable(`{"auths":{"https://{alice.user}:{alice.password}@registry.example:port":{"auth":"{alice.auth}"}}}`),
		"secret: a proxy with a password in config": undecodable(`{"proxies":{"default":{"httpsProxy":"http://{alice.user}:{alice.escaped}@evil.example:3128"}},"auths":{}}`),
	}
}
