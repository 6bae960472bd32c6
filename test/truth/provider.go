package truth

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// WriteProviders writes the kubelet's configuration of credential provider plugins below the folder, and a plugin for
// each scenario that has one. Without such a scenario it writes nothing.
func WriteProviders(dir string, scenarios []*Scenario) (config, binDir string, err error) {
	var providers []map[string]any
	binDir = filepath.Join(dir, "plugins")
	for _, s := range scenarios {
		if s.Node.Provider == nil {
			continue
		}
		var hosts []string
		for host := range s.Node.Provider {
			hosts = append(hosts, host)
		}
		slices.Sort(hosts)
		providers = append(providers, map[string]any{
			"name": s.ID(), "matchImages": hosts, "defaultCacheDuration": "1m", "apiVersion": providerVersion,
		})
		if err := writePlugin(filepath.Join(binDir, s.ID()), s.Node.Provider); err != nil {
			return "", "", err
		}
	}
	if providers == nil {
		return "", "", nil
	}
	data, err := json.Marshal(map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig", "providers": providers,
	})
	if err != nil {
		return "", "", fmt.Errorf("encoding the providers: %w", err)
	}
	return filepath.Join(dir, "providers.yaml"), binDir, writeFolder(dir, map[string][]byte{"providers.yaml": data})
}

const providerVersion = "credentialprovider.kubelet.k8s.io/v1"

// writePlugin writes a program that prints the same response to every request.
func writePlugin(file string, accounts map[string]string) error {
	auth := map[string]map[string]string{}
	for host, account := range accounts {
		user, password, _ := strings.Cut(account, ":")
		auth[host] = map[string]string{"username": user, "password": password}
	}
	response, err := json.Marshal(map[string]any{
		"apiVersion": providerVersion, "kind": "CredentialProviderResponse", "cacheKeyType": "Registry", "auth": auth,
	})
	if err != nil {
		return fmt.Errorf("encoding a plugin's response: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("writing a plugin: %w", err)
	}
	script := fmt.Sprintf("#!/bin/sh\ncat >/dev/null\ncat <<'END'\n%s\nEND\n", response)
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		return fmt.Errorf("writing a plugin: %w", err)
	}
	return nil
}
