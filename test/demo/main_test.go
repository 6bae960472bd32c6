package main

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestRunReturnsTheExitStatusOfAFailure(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	tests := map[string]struct {
		ctx        context.Context
		env        map[string]string
		wantStatus int
		wantError  string
	}{
		"missing programs": {
			ctx: t.Context(), wantStatus: exitFailed, wantError: "run `make demo`",
		},
		"a program that does not start": {
			ctx: t.Context(), env: failingPrograms(t), wantStatus: exitFailed, wantError: "no disk",
		},
		"an interrupt": {
			ctx: cancelled, env: failingPrograms(t), wantStatus: exitInterrupted, wantError: "interrupted",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var errOut bytes.Buffer
			out, _ := newTestPrinter()
			status := command{out: out, errOut: &errOut, getenv: func(key string) string { return tc.env[key] }}.run(tc.ctx)
			if status != tc.wantStatus {
				t.Errorf("got status %d, want %d", status, tc.wantStatus)
			}
			if got := errOut.String(); !strings.Contains(got, tc.wantError) {
				t.Errorf("got error output %q, want %q in it", got, tc.wantError)
			}
		})
	}
}

func TestEveryAccountHasItsOwnPassword(t *testing.T) {
	t.Parallel()
	first, second := newAccount(), newAccount()
	if first.Password == "" || first.Password == second.Password {
		t.Error("two accounts have the same password, or none")
	}
}
