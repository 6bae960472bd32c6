// Command cluster brings up a Kubernetes cluster of one node on a Linux machine, takes it down again, and runs commands
// inside. `make cluster-up` builds what it needs and runs it; test/cluster/README.md has the rest.
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

  up            bring the cluster up; it stays until it is taken down
  down          take it down, or what a killed one has left
  status        tell whether it is up
  exec -- CMD   run a command inside, with KUBECONFIG set
  run -- CMD    bring the cluster up for as long as a command runs, outside
  check         tell whether one can run on this machine

Flags:
`

// The exit statuses. That of exec is the command's.
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

// program is the command without the process around it.
type program struct{ out, errOut io.Writer }

// run does what the arguments say and returns the exit status.
func (p program) run(ctx context.Context, args []string) int {
	var options cluster.Options
	flags := flag.NewFlagSet("cluster", flag.ContinueOnError)
	flags.SetOutput(p.errOut)
	flags.StringVar(&options.Dir, "dir", "", "folder for everything that the cluster writes (default pullgate-cluster in the user's cache)")
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
	return p.status(p.dispatch(ctx, options, flags))
}

// errUsage says that the question was wrong.
var errUsage = errors.New("see cluster -help")

// dispatch finds the command. The last two are for the processes of the cluster, which call this program again.
func (p program) dispatch(ctx context.Context, o cluster.Options, flags *flag.FlagSet) error {
	rest := flags.Args()
	if len(rest) > 1 && rest[1] == "--" {
		rest = append(rest[:1:1], rest[2:]...)
	}
	switch name := flags.Arg(0); {
	case name == "exec" && len(rest) > 1:
		return p.exec(ctx, o, rest[1:])
	case name == "run" && len(rest) > 1:
		return p.during(ctx, o, rest[1:])
	case name == "warden" && len(rest) == 2:
		return p.warden(ctx, rest[1])
	case name == "keeper" && len(rest) == 2:
		return p.keeper(ctx, rest[1])
	case len(rest) != 1:
		return errUsage
	case name == "up":
		return p.up(ctx, o)
	case name == "down":
		return cluster.Down(ctx, o.Dir)
	case name == "status":
		return p.tell(o)
	case name == "check":
		return cluster.Check()
	}
	return errUsage
}

// status is the exit status for an error, which it prints unless it is that of a command inside.
func (p program) status(err error) int {
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

func (p program) tell(o cluster.Options) error {
	c, err := cluster.Open(o.Dir)
	if err != nil {
		return err
	}
	p.describe(c)
	return nil
}

func (p program) describe(c *cluster.Cluster) {
	fmt.Fprintf(p.out, `The cluster is up.
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
	// An interrupt reaches the whole group; the command decides what becomes of it.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := c.Start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
