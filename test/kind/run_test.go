package kind

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Without a Docker engine, and where the script cannot make one, it gives the reason. Then the tests report what they need.
func TestRunReportsWhyItMakesNoEngine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ system, user, want string }{
		"another system": {system: "Darwin", user: "0", want: "this system is not Linux."},
		"not root":       {system: "Linux", user: "1000", want: "this user is not root."},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, program := range []string{"bash", "sh", "dirname"} {
				path, err := exec.LookPath(program)
				if err == nil {
					err = os.Symlink(path, filepath.Join(dir, program))
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			for program, script := range map[string]string{
				"docker": "exit 1", "uname": "echo " + tt.system, "id": "echo " + tt.user,
			} {
				if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), "./run")
			cmd.Env = []string{"PATH=" + dir, "HOME=" + dir}
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Error("the script succeeded")
			}
			lines := strings.SplitAfter(string(out), "\n")
			if want := "test-kind makes no Docker engine, because " + tt.want + "\n"; lines[0] != want {
				t.Errorf("got the first line %q, want %q", lines[0], want)
			}
			if !strings.Contains(string(out), "test-kind needs kind, which is not installed") {
				t.Errorf("the output does not have what the tests need:\n%s", out)
			}
		})
	}
}
