package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// tools are the programs that the demo runs, by absolute path.
type tools struct {
	etcd, apiServer, kubectl, kustomize, pullgate string
}

// findTools takes the programs from where the Makefile puts them, or from where the environment says.
func findTools(getenv func(string) string) (tools, error) {
	assets := cmp.Or(getenv("KUBEBUILDER_ASSETS"), filepath.Join("bin", "assets"))
	t := tools{
		etcd:      filepath.Join(assets, "etcd"),
		apiServer: filepath.Join(assets, "kube-apiserver"),
		kubectl:   filepath.Join(assets, "kubectl"),
		kustomize: cmp.Or(getenv("KUSTOMIZE"), filepath.Join("bin", "kustomize")),
		pullgate:  cmp.Or(getenv("PULLGATE"), filepath.Join("bin", "pullgate")),
	}
	for _, path := range []*string{&t.etcd, &t.apiServer, &t.kubectl, &t.kustomize, &t.pullgate} {
		if info, err := os.Stat(*path); err != nil || info.IsDir() {
			return tools{}, fmt.Errorf("there is no %s: run `make demo`, which builds it", *path)
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return tools{}, fmt.Errorf("finding %s: %w", *path, err)
		}
		*path = absolute
	}
	return t, nil
}
