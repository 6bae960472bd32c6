package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// programs are the absolute paths of the programs that the demo runs.
type programs struct {
	etcd, apiServer, kubectl, kustomize, pullgate string
}

// findPrograms returns the programs that the environment names. The Makefile builds the defaults.
func findPrograms(getenv func(string) string) (programs, error) {
	assets := cmp.Or(getenv("KUBEBUILDER_ASSETS"), filepath.Join("bin", "assets"))
	p := programs{
		etcd:      filepath.Join(assets, "etcd"),
		apiServer: filepath.Join(assets, "kube-apiserver"),
		kubectl:   filepath.Join(assets, "kubectl"),
		kustomize: cmp.Or(getenv("KUSTOMIZE"), filepath.Join("bin", "kustomize")),
		pullgate:  cmp.Or(getenv("PULLGATE"), filepath.Join("bin", "pullgate")),
	}
	for _, path := range []*string{&p.etcd, &p.apiServer, &p.kubectl, &p.kustomize, &p.pullgate} {
		if info, err := os.Stat(*path); err != nil || info.IsDir() {
			return programs{}, fmt.Errorf("%s does not exist: run `make demo`, which builds it", *path)
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return programs{}, fmt.Errorf("finding %s: %w", *path, err)
		}
		*path = absolute
	}
	return p, nil
}
