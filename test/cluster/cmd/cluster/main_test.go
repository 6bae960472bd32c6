package main

import (
	"errors"
	"os/exec"
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
		"help":                              {args: []string{"-help"}, status: exitOK, errOut: "Usage: cluster"},
		"no command":                        {status: exitUsage, errOut: "see cluster -help"},
		"an unknown command":                {args: []string{"sideways"}, status: exitUsage, errOut: "see cluster -help"},
		"an unknown flag":                   {args: []string{"-x", "up"}, status: exitUsage, errOut: "not defined"},
		"too many arguments":                {args: []string{"up", "down"}, status: exitUsage, errOut: "see cluster -help"},
		"exec without a command":            {args: []string{"exec"}, status: exitUsage, errOut: "see cluster -help"},
		"exec without a command after --":   {args: []string{"exec", "--"}, status: exitUsage, errOut: "see cluster -help"},
		"exec without a cluster":            {args: []string{"exec", "--", "true"}, status: exitFailed, errOut: "no cluster is running in " + dir},
		"run without a command":             {args: []string{"run", "--"}, status: exitUsage, errOut: "see cluster -help"},
		"run without programs":              {args: []string{"-programs", "/nowhere", "run", "--", "true"}, status: exitFailed, errOut: "error: "},
		"status without a cluster":          {args: []string{"status"}, status: exitFailed, errOut: "no cluster is running in " + dir},
		"down without a cluster":            {args: []string{"down"}, status: exitOK},
		"up without programs":               {args: []string{"-programs", "/nowhere", "up"}, status: exitFailed, errOut: "error: "},
		"an invalid plan of the supervisor": {args: []string{"supervisor", "{"}, status: exitFailed, errOut: "parsing the plan"},
		"an invalid plan of init":           {args: []string{"init", "{"}, status: exitFailed, errOut: "parsing the plan"},
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

func TestExitStatus(t *testing.T) {
	t.Parallel()
	exit := exec.Command("/bin/sh", "-c", "exit 7").Run()
	killed := exec.Command("/bin/sh", "-c", "kill $$").Run()
	tests := map[string]struct {
		err    error
		status int
		silent bool
	}{
		"no error":           {status: exitOK, silent: true},
		"an error":           {err: errors.New("broken"), status: exitFailed},
		"a usage error":      {err: errUsage, status: exitUsage},
		"a command's status": {err: exit, status: 7, silent: true},
		"a killed command":   {err: killed, status: exitFailed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errOut strings.Builder
			if got := (program{errOut: &errOut}).exitStatus(tt.err); got != tt.status {
				t.Errorf("got status %d, want %d", got, tt.status)
			}
			if (errOut.Len() == 0) != tt.silent {
				t.Errorf("got errors %q, want some: %v", errOut.String(), !tt.silent)
			}
		})
	}
}
