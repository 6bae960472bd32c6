//go:build monitoring

package monitoring

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// writeRules writes the rules as Prometheus and promtool read them: the specification of the PrometheusRule.
func writeRules(t *testing.T, file string) {
	t.Helper()
	r, err := readRule(ruleManifest)
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.Marshal(r.Spec)
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, data)
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// program returns the path of a program that a variable names.
func program(t *testing.T, variable string) string {
	t.Helper()
	path, err := exec.LookPath(os.Getenv(variable))
	if err != nil {
		t.Fatalf("%s=%q: %v; run the test by its make target", variable, os.Getenv(variable), err)
	}
	if path, err = filepath.Abs(path); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAlertsFire(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeRules(t, filepath.Join(dir, "rules.yaml"))
	write(t, filepath.Join(dir, "alerts.yaml"), []byte(read(t, filepath.Join("testdata", "alerts.yaml"))))
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "alerts.yaml"}} {
		cmd := exec.CommandContext(t.Context(), program(t, "PROMTOOL"), args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
}
