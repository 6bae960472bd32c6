// Command bench measures the cost of Pullgate for a cluster and for registries.
//
// It runs the real "pullgate serve" with a real API server, and other webhooks that do less. One of them is a simple
// webhook with remote.Head. All get the same reviews, in rounds with a random order. The result is a table of goals
// and measured values, with the data as CSV and charts. README.md explains them.
//
//	bench -pullgate bin/pullgate -arm bin/bench/arm -out results
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
	flag.StringVar(&o.out, "out", "", "`directory` for tables and charts; without it, nothing is written")
	flag.StringVar(&o.only, "only", "", "comma-separated `scenarios` to run (default all)")
	flag.BoolVar(&o.quick, "quick", false, "run for a minute to check that everything works; the numbers are not reliable")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "seed of the random order")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// If the reader of the output exits, the run ends too. SIGPIPE would kill the process and leave its children
	// running. Handling it would also report every broken connection, so it is ignored.
	signal.Ignore(syscall.SIGPIPE)
	err := run(ctx, o, &output{os.Stdout, stop})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// output ends the run after a failed write.
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
		return fmt.Errorf("preparing the environment: %w", err)
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

// configuration is the default configuration, with registries on loopback addresses allowed.
const configuration = `apiVersion: pullgate.dev/v1alpha1
kind: Configuration
egress:
  allow: ["127.0.0.1"]
`
