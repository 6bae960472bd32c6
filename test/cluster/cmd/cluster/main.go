// Command cluster starts a Kubernetes cluster of one node on a Linux machine, stops it, and runs commands in it.
// `make cluster-up` builds the programs that it needs and runs it. See test/cluster/README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/pullgate/pullgate/test/cluster"
)

const usage = `Usage: cluster [flags] COMMAND

  up            start the cluster; it runs until "cluster down"
  down          stop the cluster, or remove the remains of a killed one
  status        print whether the cluster is running
  exec -- CMD   run a command in the cluster's namespaces, with KUBECONFIG set
  run -- CMD    run a command outside while a cluster runs
  check         check whether a cluster can run on this machine

Flags:
`

// The exit statuses. The exit status of exec is the command's.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	status := program{out: os.Stdout, errOut: os.Stderr}.run(ctx, os.Args[1:])
	stop()
	os.Exit(status)
}

// program is the command with its output streams.
type program struct{ out, errOut io.Writer }

// run parses the arguments, runs the command and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	var options cluster.Options
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(p.errOut)
	flags.StringVar(&options.Dir, "dir", "", "folder for the cluster's files (default pullgate-cluster in the user's cache folder)")
	flags.StringVar(&options.Programs, "programs", "", "folder with kubelet, containerd, … (default bin/cluster)")
	flags.StringVar(&options.Assets, "assets", "", "folder with etcd, kube-apiserver, kubectl (default $KUBEBUILDER_ASSETS, or else bin/assets)")
	flags.Usage = func() {
		fmt.Fprint(p.errOut, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitOK
	} else if err != nil {
		return exitUsage
	}
	return p.exitStatus(p.dispatch(ctx, options, flags))
}

// errUsage is a usage error.
var errUsage = errors.New("see cluster -help")

// dispatch runs the command. supervisor and init are for the processes of the cluster, which run this program again.
func (p program) dispatch(ctx context.Context, o cluster.Options, flags *flag.FlagSet) error {
	rest := flags.Args()
	if len(rest) > 1 && rest[1] == "--" {
		rest = append(rest[:1:1], rest[2:]...)
	}
	switch name := flags.Arg(0); {
	case name == "exec" && len(rest) > 1:
		return p.exec(ctx, o, rest[1:])
	case name == "run" && len(rest) > 1:
		return p.runWith(ctx, o, rest[1:])
	case name == "supervisor" && len(rest) == 2:
		return p.supervisor(ctx, rest[1])
	case name == "init" && len(rest) == 2:
		return p.init(ctx, rest[1])
	case len(rest) != 1:
		return errUsage
	case name == "up":
		return p.up(ctx, o)
	case name == "down":
		return cluster.Down(ctx, o.Dir)
	case name == "status":
		return p.status(o)
	case name == "check":
		return cluster.Check()
	}
	return errUsage
}

// exitStatus returns the exit status for an error. It prints the error, unless it is the exit status of a command.
func (p program) exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	fmt.Fprintf(p.errOut, "error: %v\n", err)
	if errors.Is(err, errUsage) {
		return exitUsage
	}
	return exitFailed
}

func (p program) up(ctx context.Context, o cluster.Options) error {
	o.Detached, o.Progress = true, p.out
	c, err := cluster.Up(ctx, o)
	if err != nil {
		return err
	}
	p.describe(c)
	return nil
}

func (p program) status(o cluster.Options) error {
	c, err := cluster.Open(o.Dir)
	if err != nil {
		return err
	}
	p.describe(c)
	return nil
}

func (p program) describe(c *cluster.Cluster) {
	fmt.Fprintf(p.out, `The cluster is running.
  kubeconfig   %s (inside: cluster exec -- kubectl get pods -A)
  images       %s, %s,
               %s with the account in %s
  hosts.toml   %s
  logs         %s
`, c.Kubeconfig(), cluster.OpenImage, cluster.MirroredImage, cluster.PrivateImage, c.PrivateConfig(), c.HostsDir(), c.LogDir())
}

func (p program) exec(ctx context.Context, o cluster.Options, command []string) error {
	c, err := cluster.Open(o.Dir)
	if err != nil {
		return err
	}
	cmd := c.Command(ctx, command[0], command[1:]...)
	if cmd.Dir, err = os.Getwd(); err != nil {
		return fmt.Errorf("finding the current folder: %w", err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, p.out, p.errOut
	// The terminal sends an interrupt to the command too, which decides how to react.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := c.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
