// Command demo shows Pullgate on one machine, without an installation. It runs a real etcd and kube-apiserver, a local
// registry with accounts, and `pullgate serve` with the rights that its manifests give it. `make demo` builds these programs
// and runs the demo.
//
//	set up (registry, API server, manifests, webhook) → kubectl apply, one pod after the other → table of decisions
//
// The output of kubectl is printed word for word. The exit status is 0 if every decision is as expected, 130 after an
// interrupt and 1 otherwise. The demo always stops the processes and removes the files that it created.
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
	// A closed terminal or pipe must not end the demo before it has stopped its processes.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	status := command{out: newPrinter(os.Stdout), errOut: os.Stderr, getenv: os.Getenv}.run(ctx)
	stop()
	os.Exit(status)
}

// command is the demo without its process.
type command struct {
	out    *printer
	errOut io.Writer
	getenv func(string) string
}

// run runs the demo and returns its exit status.
func (c command) run(ctx context.Context) int {
	programs, err := findPrograms(c.getenv)
	if err != nil {
		fmt.Fprintf(c.errOut, "error: %v\n", err)
		return exitFailed
	}
	defer c.reportInterrupt(ctx)()
	results, err := run(ctx, programs, c.out)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(c.errOut, "\nerror: %v\n", err)
		return exitFailed
	}
	c.out.table(results)
	if mismatches(results) > 0 {
		return exitFailed
	}
	return exitOK
}

// reportInterrupt prints a message as soon as the context ends, because stopping may take some seconds. The caller calls end
// when the demo is over.
func (c command) reportInterrupt(ctx context.Context) (end func()) {
	printed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(printed)
		fmt.Fprintln(c.errOut, "\ninterrupted: stopping all processes")
	})
	return func() {
		if !stop() {
			<-printed
		}
	}
}
