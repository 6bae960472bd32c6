package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// runConfig runs "pullgate config" in a directory with files, and replaces the directory in the output.
func runConfig(t *testing.T, files map[string]string, stdin string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, arg := range args {
		if strings.HasSuffix(arg, ".yaml") {
			args[i] = filepath.Join(dir, arg)
		}
	}
	var out, errOut bytes.Buffer
	status = run(t.Context(), genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut}, append([]string{"config"}, args...))
	short := strings.NewReplacer(dir+string(filepath.Separator), "")
	return status, short.Replace(out.String()), short.Replace(errOut.String())
}

func TestConfigValidateReportsEveryError(t *testing.T) {
	t.Parallel()
	const good = "defaultMode: audit\n"
	const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pullgate}\n"
	tests := map[string]struct {
		files          map[string]string
		stdin          string
		args           []string
		status         int
		stdout, stderr string
	}{
		"a valid file": {
			files: map[string]string{"a.yaml": good}, args: []string{"a.yaml"},
			stdout: "a.yaml: valid, hash HASH\n",
		},
		"all errors of a file": {
			files: map[string]string{"a.yaml": "defaultMode: strict\nlimits:\n  total: 0\n"}, args: []string{"a.yaml"}, status: exitUsage,
			stderr: `a.yaml: line 1: defaultMode: Unsupported value: "strict": supported values: "enforce", "warn", "audit", "off"` + "\n" +
				"a.yaml: line 3: limits.total: Invalid value: 0: must be at least 1\n",
		},
		"several files": {
			files: map[string]string{"a.yaml": "deep: 1\n", "b.yaml": good, "c.yaml": "{"}, args: []string{"a.yaml", "b.yaml", "c.yaml", "d.yaml"}, status: exitUsage,
			stdout: "b.yaml: valid, hash HASH\n",
			stderr: "a.yaml: line 1: must be true or false, not 1\n" +
				"c.yaml: line 1: not valid YAML: check indentation (spaces only), quotes and brackets around here\n" +
				"d.yaml: reading: no such file or directory\n",
		},
		"standard input": {
			stdin: good, args: []string{"-"}, stdout: "standard input: valid, hash HASH\n",
		},
		"an error in standard input": {
			stdin: "surprise: 1", args: []string{"-"}, status: exitUsage,
			stderr: "standard input: line 1: surprise: unknown key: remove it or correct its name\n",
		},
		"a ConfigMap": {
			stdin: configMap + "data:\n  config.yaml: |\n    defaultMode: audit\n", args: []string{"-"},
			stdout: "standard input: valid, hash HASH\n",
		},
		"errors in a ConfigMap have the lines of the manifest": {
			files: map[string]string{"a.yaml": "apiVersion: v1\nkind: Service\n---\n" + configMap + "data:\n  config.yaml: |\n    # comment\n    surprise: 1\n    deep: 1\n"},
			args:  []string{"a.yaml"}, status: exitUsage,
			stderr: "a.yaml: line 10: surprise: unknown key: remove it or correct its name\na.yaml: line 11: must be true or false, not 1\n",
		},
		"a ConfigMap with a text in quotes": {
			files: map[string]string{"a.yaml": configMap + "data: {config.yaml: \"deep: true\\nsurprise: 1\"}\n"}, args: []string{"a.yaml"}, status: exitUsage,
			stderr: "a.yaml, key config.yaml in line 4: line 2: surprise: unknown key: remove it or correct its name\n",
		},
		"two ConfigMaps, one of another program": {
			stdin: configMap + "data: {other.yaml: x}\n---\n" + configMap + "data:\n  config.yaml: |\n    defaultMode: audit\n", args: []string{"-"},
			stdout: "standard input: valid, hash HASH\n",
		},
		"a ConfigMap without a configuration": {
			stdin: configMap, args: []string{"-"}, status: exitUsage,
			stderr: "-: no ConfigMap has the key config.yaml\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := runConfig(t, test.files, test.stdin, append([]string{"validate"}, test.args...)...)
			if diff := cmp.Diff(strings.ReplaceAll(test.stdout, "HASH", configurationHash([]byte(good))), stdout); diff != "" {
				t.Errorf("stdout (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.stderr, stderr); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
			if status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
		})
	}
}

func TestConfigValidateRequiresAFile(t *testing.T) {
	t.Parallel()
	if status, _, stderr := runConfig(t, nil, "", "validate"); status != exitUsage || stderr == "" {
		t.Errorf("status %d, stderr %q, want %d and a message", status, stderr, exitUsage)
	}
}

// The output of "config default" is valid for "config validate".
func TestConfigDefaultIsValid(t *testing.T) {
	t.Parallel()
	status, text, stderr := runConfig(t, nil, "", "default")
	if status != exitOK || !strings.Contains(text, "\ndefaultMode: warn\n") {
		t.Fatalf("status %d, stderr %q:\n%s", status, stderr, text)
	}
	if status, _, stderr := runConfig(t, nil, text, "validate", "-"); status != exitOK {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
}

// The file that is shipped is valid.
func TestConfigValidateAcceptsTheShippedFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../manifests/base/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if status, stdout, stderr := runConfig(t, nil, string(data), "validate", "-"); status != exitOK || !strings.HasPrefix(stdout, "standard input: valid, hash ") {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

func TestConfigSchemaIsPrinted(t *testing.T) {
	t.Parallel()
	status, text, stderr := runConfig(t, nil, "", "schema")
	if status != exitOK || !strings.Contains(text, `"$schema": "https://json-schema.org/draft/2020-12/schema"`) {
		t.Errorf("status %d, stderr %q:\n%.300s", status, stderr, text)
	}
}
