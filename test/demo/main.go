// Command demo shows Pullgate at work on one machine, with nothing installed: a real etcd and kube-apiserver, a local
// registry with accounts, and `pullgate serve` as a process of its own with the rights that its manifests give it.
// `make demo` builds what it needs and runs it.
//
// Think of it as a play in three acts. The stage is set: registry, cluster, manifests, webhook. Then kubectl applies one
// pod after the other, and what it printed is shown word for word. At last everything is compared with what was
// expected, in a table. The demo ends with status 0 if nothing differs, with 1 otherwise, and in any case takes down
// what it put up: processes and files alike.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// The exit statuses.
const (
	exitOK          = 0
	exitFailed      = 1
	exitInterrupted = 130
)

func main() {
	// A closed terminal or pipe must not end the process before it has ended its children.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	status := program{out: newScreen(os.Stdout), errOut: os.Stderr, getenv: os.Getenv}.run(ctx)
	stop()
	os.Exit(status)
}

// program is the demo without the process around it.
type program struct {
	out    *screen
	errOut io.Writer
	getenv func(string) string
}

// run plays the demo and returns its exit status.
func (p program) run(ctx context.Context) int {
	tools, err := findTools(p.getenv)
	if err != nil {
		fmt.Fprintf(p.errOut, "error: %v\n", err)
		return exitFailed
	}
	defer p.tellInterruption(ctx)()
	results, err := play(ctx, tools, p.out)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(p.errOut, "\nerror: %v\n", err)
		return exitFailed
	}
	p.out.table(results)
	if mismatches(results) > 0 {
		return exitFailed
	}
	return exitOK
}

// tellInterruption answers an interruption at once, since stopping may take some seconds, until the function that it
// returns is called.
func (p program) tellInterruption(ctx context.Context) (end func()) {
	told := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(told)
		fmt.Fprintln(p.errOut, "\ninterrupted: stopping what was started")
	})
	return func() {
		if !stop() {
			<-told
		}
	}
}
