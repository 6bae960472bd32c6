// Command bench measures what Pullgate costs a cluster, and what it costs registries.
//
// It runs the real "pullgate serve" on a real API server, beside webhooks that do less, and beside the one that somebody would
// write in an afternoon. All of them answer the same reviews, in turns whose order is drawn anew in each round. What comes out
// is a table of the bars that Pullgate is to reach, with the numbers behind it as CSV and as charts. README.md tells how to
// read them.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/pullgate/pullgate/test/bench/stage"
)

type options struct {
	pullgate, arm, assets, out, only string
	quick                            bool
	seed                             uint64
}

func main() {
	var o options
	flag.StringVar(&o.pullgate, "pullgate", "bin/pullgate", "the `program` to measure")
	flag.StringVar(&o.arm, "arm", "bin/bench/arm", "the `program` to compare with")
	flag.StringVar(&o.assets, "assets", os.Getenv("KUBEBUILDER_ASSETS"), "`directory` with kube-apiserver and etcd")
	flag.StringVar(&o.out, "out", "", "`directory` to write tables and charts to; nothing is written without one")
	flag.StringVar(&o.only, "only", "", "run only these `scenarios`, with commas between")
	flag.BoolVar(&o.quick, "quick", false, "see in a minute whether everything works; the numbers mean little")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what the order of turns is drawn by")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Without a reader of the table there is nothing to measure for. The signal would end the process, and leave its children
	// behind; and to be told of it would be to be told of every broken connection too.
	signal.Ignore(syscall.SIGPIPE)
	err := run(ctx, o, &output{os.Stdout, stop})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// output ends the run when nobody reads it any more.
type output struct {
	io.Writer
	end func()
}

func (o *output) Write(text []byte) (int, error) {
	n, err := o.Writer.Write(text)
	if err != nil {
		o.end()
	}
	return n, err
}

func run(ctx context.Context, o options, out io.Writer) error {
	ctrl.SetLogger(logr.Discard())
	chosen, err := choose(o.only)
	if err != nil {
		return err
	}
	m := thisMachine()
	fmt.Fprintf(out, "%s\n%s, seed %d\n", m, planOf(o.quick), o.seed)
	s, err := stage.Set(ctx, o.assets)
	if err != nil {
		return fmt.Errorf("setting the stage: %w", err)
	}
	defer s.Clear()
	config, err := s.File("config.yaml", configuration)
	if err != nil {
		return err
	}
	b := &bench{
		Stage: s, plan: planOf(o.quick), pullgate: o.pullgate, config: config, arm: o.arm,
		random: rand.New(rand.NewPCG(o.seed, 0)), log: out, results: &results{machine: m, plan: planOf(o.quick).String()},
	}
	b.runAll(ctx, chosen)
	fmt.Fprintf(out, "\n%s", b.results.table())
	if o.out != "" {
		if err := b.results.write(o.out); err != nil {
			return fmt.Errorf("writing the results: %w", err)
		}
		fmt.Fprintf(out, "\nTables and charts are in %s.\n", o.out)
	}
	if failed := b.results.failures; len(failed) > 0 {
		return fmt.Errorf("not measured: %s", strings.Join(failed, "; "))
	}
	return ctx.Err()
}

// configuration is the default one, but for registries on loopback addresses, which are a node's own otherwise.
const configuration = `apiVersion: pullgate.dev/v1alpha1
kind: Configuration
egress:
  allow: ["127.0.0.1"]
`
