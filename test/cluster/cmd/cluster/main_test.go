package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tests := map[string]struct {
		args   []string
		status int
		errOut string
	}{
		"help":                  {args: []string{"-help"}, status: exitOK, errOut: "Usage: cluster"},
		"no command":            {status: exitUsage, errOut: "see cluster -help"},
		"an unknown command":    {args: []string{"sideways"}, status: exitUsage, errOut: "see cluster -help"},
		"an unknown flag":       {args: []string{"-x", "up"}, status: exitUsage, errOut: "not defined"},
		"too many arguments":    {args: []string{"up", "down"}, status: exitUsage, errOut: "see cluster -help"},
		"exec of nothing":       {args: []string{"exec"}, status: exitUsage, errOut: "see cluster -help"},
		"exec of nothing after": {args: []string{"exec", "--"}, status: exitUsage, errOut: "see cluster -help"},
		"exec when it is down":  {args: []string{"exec", "--", "true"}, status: exitFailed, errOut: "no cluster is up in " + dir},
		"run of nothing":        {args: []string{"run", "--"}, status: exitUsage, errOut: "see cluster -help"},
		"run without programs":  {args: []string{"-programs", "/nowhere", "run", "--", "true"}, status: exitFailed, errOut: "error: "},
		"status of nothing":     {args: []string{"status"}, status: exitFailed, errOut: "no cluster is up in " + dir},
		"down of nothing":       {args: []string{"down"}, status: exitOK},
		"up without programs":   {args: []string{"-programs", "/nowhere", "up"}, status: exitFailed, errOut: "error: "},
		"a warden's bad plan":   {args: []string{"warden", "{"}, status: exitFailed, errOut: "parsing the plan"},
		"a keeper's bad plan":   {args: []string{"keeper", "{"}, status: exitFailed, errOut: "parsing the plan"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errOut strings.Builder
			args := append([]string{"-dir", dir}, tt.args...)
			if got := (program{out: &out, errOut: &errOut}).run(t.Context(), args); got != tt.status {
				t.Errorf("got status %d, want %d", got, tt.status)
			}
			if !strings.Contains(errOut.String(), tt.errOut) || tt.errOut == "" && errOut.Len() > 0 {
				t.Errorf("got errors %q, want %q", errOut.String(), tt.errOut)
			}
			if out.Len() > 0 {
				t.Errorf("got output %q, want none", out.String())
			}
		})
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	exit := exec.Command("/bin/sh", "-c", "exit 7").Run()
	killed := exec.Command("/bin/sh", "-c", "kill $$").Run()
	tests := map[string]struct {
		err    error
		status int
		silent bool
	}{
		"no error":            {status: exitOK, silent: true},
		"an error":            {err: errors.New("broken"), status: exitFailed},
		"a wrong question":    {err: errUsage, status: exitUsage},
		"a command's status":  {err: exit, status: 7, silent: true},
		"a command's killing": {err: killed, status: exitFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errOut strings.Builder
			if got := (program{errOut: &errOut}).status(tt.err); got != tt.status {
				t.Errorf("got status %d, want %d", got, tt.status)
			}
			if (errOut.Len() == 0) != tt.silent {
				t.Errorf("got errors %q, want some: %v", errOut.String(), !tt.silent)
			}
		})
	}
}

func TestTellError(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	path := filepath.Join(t.TempDir(), "report")
	report, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := tellError(report, nil); err != nil {
		t.Errorf("without an error: %v", err)
	}
	if err := tellError(report, broken); !errors.Is(err, broken) {
		t.Errorf("got error %v, want %v", err, broken)
	}
	if err := report.Close(); err != nil {
		t.Fatal(err)
	}
	if err := tellError(report, broken); err == nil || err.Error() != "broken" {
		t.Errorf("after the report: got error %v, want %v alone", err, broken)
	}
	data, err := os.ReadFile(path)
	if err != nil || string(data) != "error: broken\n" {
		t.Errorf("the report is %q and error %v, want the error once", data, err)
	}
	reader, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	if err := tellError(reader, broken); !errors.Is(err, broken) || err.Error() == "broken" {
		t.Errorf("got error %v, want both what happened and that it could not be told", err)
	}
}
