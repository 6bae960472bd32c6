package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestUnknownCommandIsAUsageError(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	status := run(t.Context(), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &errOut}, []string{"chekc"})
	if status != exitUsage || !strings.Contains(errOut.String(), `unknown command "chekc"`) {
		t.Errorf("status %d, stderr %q: want %d and the name of the command", status, errOut.String(), exitUsage)
	}
}

func TestVersionAndHelpArePrinted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"version"}, "pullgate "},
		{[]string{"--help"}, "check"},
		{[]string{"serve", "--help"}, fmt.Sprintf("default %d", defaultWebhookPort)},
		{[]string{"check", "--help"}, "Exit status"},
		{[]string{"check", "--help"}, "--deep"},
		{[]string{"config", "--help"}, "validate"},
		{[]string{"config", "validate", "--help"}, "Exit status"},
	} {
		t.Run(strings.Join(tt.args, " "), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			status := run(t.Context(), genericiooptions.IOStreams{In: strings.NewReader(""), Out: &out, ErrOut: &out}, tt.args)
			if status != exitOK || !strings.Contains(out.String(), tt.want) {
				t.Errorf("status %d, output:\n%s", status, out.String())
			}
		})
	}
}
