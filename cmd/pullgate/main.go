// Command pullgate reports which pods cannot pull their images: as an admission webhook (serve), and on the command line
// (check). This package has the flags, the output and the exit statuses. Package engine does the checks.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// The exit statuses of every subcommand.
const (
	exitOK            = 0
	exitUnpullable    = 1
	exitUsage         = 2
	exitIndeterminate = 3
)

// exitError ends the program with this status and without a message, because the report has been printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process immediately
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	status := run(ctx, streams, os.Args[1:])
	stop()
	os.Exit(status)
}

// run runs the command and returns its exit status.
func run(ctx context.Context, streams genericiooptions.IOStreams, args []string) int {
	root := newRootCommand(streams)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var status exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &status):
		return int(status)
	}
	fmt.Fprintf(streams.ErrOut, "error: %v\n", err)
	return exitUsage
}

func newRootCommand(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "pullgate",
		Short: "Report which pods cannot pull their images",
		Long: `Pullgate reports before a pod is stored whether the kubelet will be able to pull its images.

It sends the requests that a node would send, with the pod's own pull secrets, and reports the cause and the fix.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.AddCommand(newServeCommand(streams), newCheckCommand(streams), newConfigCommand(streams), newVersionCommand(streams))
	return root
}
