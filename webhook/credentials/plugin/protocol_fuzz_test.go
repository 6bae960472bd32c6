package plugin

import (
	"errors"
	"testing"
)

// FuzzParseResponse checks that any output of a provider gives credentials, or an error that quotes nothing of it.
func FuzzParseResponse(f *testing.F) {
	const version = "credentialprovider.kubelet.k8s.io/v1"
	f.Add([]byte(`{"kind":"CredentialProviderResponse","apiVersion":"` + version + `","cacheKeyType":"Registry","cacheDuration":"5m","auth":{"*.registry.example":{"username":"AWS","password":"hunter2"}}}`))
	f.Add([]byte(`{"kind":"CredentialProviderResponse","apiVersion":"` + version + `","auth":{"registry.example":"hunter2"}}`))
	f.Add([]byte(`{"kind":"CredentialProviderResponse","apiVersion":"v0","cacheDuration":"-1h"}`))
	f.Add([]byte(`hunter2`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parseResponse(data, version)
		if err != nil {
			if !errors.Is(err, errResponseFormat) && !errors.Is(err, errResponseVersion) {
				t.Errorf("unknown error %q", err)
			}
			return
		}
		if key, err := r.cacheKey("registry.example/team/app"); (key == "") == (err == nil) && r.CacheKeyType != "Global" {
			t.Errorf("cache key %q and error %v, want one of them", key, err)
		}
		for registry, credential := range r.dockerConfig("node/plugin/test") {
			if credential.Source != "node/plugin/test" {
				t.Errorf("the credential for %q has the source %q", registry, credential.Source)
			}
		}
	})
}
