package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The script reports all missing programs together, and does nothing else.
func TestKindScriptReportsMissingPrograms(t *testing.T) {
	t.Parallel()
	const (
		docker  = "test-kind needs docker, which is not installed: see https://docs.docker.com/engine/install/"
		kind    = "test-kind needs kind, which is not installed: see https://kind.sigs.k8s.io/docs/user/quick-start/"
		kubectl = "test-kind needs kubectl, which is not installed: see https://kubernetes.io/docs/tasks/tools/"
		noReply = `test-kind needs docker, which is installed and does not respond: see "docker info"`
	)
	tests := map[string]struct {
		installed []string
		want      []string
	}{
		"nothing is installed":    {want: []string{docker, kind, kubectl}},
		"docker is missing":       {installed: []string{"kind", "kubectl"}, want: []string{docker}},
		"kind is missing":         {installed: []string{"docker", "kubectl"}, want: []string{kind}},
		"kubectl is missing":      {installed: []string{"docker", "kind"}, want: []string{kubectl}},
		"docker does not respond": {installed: []string{"docker", "kind", "kubectl"}, want: []string{noReply}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			link(t, dir, "dirname", "dirname")
			for _, program := range tt.installed {
				link(t, dir, program, "false")
			}
			cmd := exec.CommandContext(t.Context(), "./on-kind")
			cmd.Env = []string{"PATH=" + dir}
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Error("the script succeeded")
			}
			if diff := cmp.Diff(tt.want, strings.Split(strings.TrimSpace(string(out)), "\n")); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
		})
	}
}

// link links a program of this machine into the directory, under the given name.
func link(t *testing.T, dir, name, program string) {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		err = os.Symlink(path, filepath.Join(dir, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}
