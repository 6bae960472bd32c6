package hosts_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pullgate/pullgate/webhook/registry/hosts"
)

func ExampleLoad() {
	root, err := os.MkdirTemp("", "certs.d")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(root)
	dir := filepath.Join(root, "docker.io")
	if err := os.Mkdir(dir, 0o755); err != nil {
		panic(err)
	}
	file := "[host.\"https://mirror.example\"]\ncapabilities = [\"pull\"]\n"
	if err := os.WriteFile(filepath.Join(dir, "hosts.toml"), []byte(file), 0o600); err != nil {
		panic(err)
	}
	list, err := hosts.Load(root, "docker.io")
	if err != nil {
		panic(err)
	}
	for _, h := range list {
		fmt.Println(h.Scheme, h.Name, h.Path, "resolves tags:", h.Capabilities&hosts.CapabilityResolve != 0)
	}
	// Output:
	// https mirror.example /v2 resolves tags: false
	// https registry-1.docker.io /v2 resolves tags: true
}
