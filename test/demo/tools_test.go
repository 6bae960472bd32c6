package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFindTools(t *testing.T) {
	t.Parallel()
	env := brokenTools(t)
	dir := env["KUBEBUILDER_ASSETS"]
	got, err := findTools(func(key string) string { return env[key] })
	if err != nil {
		t.Fatalf("findTools: %v", err)
	}
	want := tools{
		etcd:      filepath.Join(dir, "etcd"),
		apiServer: filepath.Join(dir, "kube-apiserver"),
		kubectl:   filepath.Join(dir, "kubectl"),
		kustomize: filepath.Join(dir, "kustomize"),
		pullgate:  filepath.Join(dir, "pullgate"),
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(tools{})); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

// This folder has no bin, which is where the programs are by default.
func TestFindToolsNamesWhatIsMissing(t *testing.T) {
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
		"a directory in place of pullgate": {
			change: func(_ *testing.T, env map[string]string) { env["PULLGATE"] = env["KUBEBUILDER_ASSETS"] },
			want:   "run `make demo`",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := brokenTools(t)
			tc.change(t, env)
			_, err := findTools(func(key string) string { return env[key] })
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("findTools: got error %v, want one with %q", err, tc.want)
			}
		})
	}
}
