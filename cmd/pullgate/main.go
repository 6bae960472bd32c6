// Command pullgate foretells which pods can't pull their images: as an admission webhook (serve), and on a desk or in a
// pipeline (check). All wiring is in this package: flags become configuration, configuration becomes constructors.
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

// exitError ends the program with a status and says nothing more: what there is to say has been printed.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
	status := run(ctx, streams, os.Args[1:])
	stop()
	os.Exit(status)
}

// run is main without the process around it.
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
		Short: "Foretell which pods can't pull their images",
		Long: `Pullgate answers one question before a pod is stored: will the kubelet be able to pull its images?

It asks the registries as a node would, with the pod's own pull secrets, and names the cause and the fix.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.AddCommand(newServeCommand(streams), newCheckCommand(streams), newVersionCommand(streams))
	return root
}
