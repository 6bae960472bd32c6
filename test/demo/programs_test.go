package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindPrograms(t *testing.T) {
	t.Parallel()
	env := failingPrograms(t)
	dir := env["KUBEBUILDER_ASSETS"]
	got, err := findPrograms(func(key string) string { return env[key] })
	if err != nil {
		t.Fatalf("findPrograms: %v", err)
	}
	want := programs{
		etcd:      filepath.Join(dir, "etcd"),
		apiServer: filepath.Join(dir, "kube-apiserver"),
		kubectl:   filepath.Join(dir, "kubectl"),
		kustomize: filepath.Join(dir, "kustomize"),
		pullgate:  filepath.Join(dir, "pullgate"),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(programs{})); diff != "" {
		t.Errorf("programs (-want +got):\n%s", diff)
	}
}

// This folder has no bin directory, which has the programs by default.
func TestFindProgramsNamesTheMissingProgram(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(t *testing.T, env map[string]string)
		want   string
	}{
		"no assets": {
			change: func(_ *testing.T, env map[string]string) { delete(env, "KUBEBUILDER_ASSETS") },
			want:   filepath.Join("bin", "assets", "etcd"),
		},
		"no kubectl": {
			change: func(t *testing.T, env map[string]string) {
				if err := os.Remove(filepath.Join(env["KUBEBUILDER_ASSETS"], "kubectl")); err != nil {
					t.Fatalf("removing: %v", err)
				}
			},
			want: "kubectl",
		},
		"no kustomize": {
			change: func(_ *testing.T, env map[string]string) { delete(env, "KUSTOMIZE") },
			want:   filepath.Join("bin", "kustomize"),
		},
		"a directory instead of pullgate": {
			change: func(_ *testing.T, env map[string]string) { env["PULLGATE"] = env["KUBEBUILDER_ASSETS"] },
			want:   "run `make demo`",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := failingPrograms(t)
			tc.change(t, env)
			_, err := findPrograms(func(key string) string { return env[key] })
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("findPrograms: got error %v, want one with %q", err, tc.want)
			}
		})
	}
}
