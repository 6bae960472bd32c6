package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/pullgate/pullgate/test/bench/load"
	"github.com/pullgate/pullgate/test/bench/stage"
)

// bench is one run.
type bench struct {
	*stage.Stage
	plan                  plan
	pullgate, config, arm string
	random                *rand.Rand
	log                   io.Writer
	results               *results
	secrets               int
}

// scenario is one thing to find out.
type scenario struct {
	name, about string
	run         func(*bench, context.Context) error
}

func scenarios() []scenario {
	return []scenario{
		{"warm", "latency, capacity and allocations when all answers are known", (*bench).warm},
		{"cold", "latency when registries have to be asked, by their distance", (*bench).cold},
		{"wire", "requests for one image", (*bench).wire},
		{"burst", "pods of one image at once", (*bench).burst},
		{"spread", "one pod with images on many registries", (*bench).spread},
		{"many", "memory, with many references and under a flood of them", (*bench).many},
		{"outage", "a registry that fails", (*bench).outage},
		{"faults", "answers in time whatever registries do", (*bench).faults},
	}
}

// choose returns the scenarios with these names, or all.
func choose(names string) ([]scenario, error) {
	if names == "" {
		return scenarios(), nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(scenarios(), func(s scenario) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no scenario %q", name)
		}
		chosen = append(chosen, scenarios()[i])
	}
	return chosen, nil
}

// runAll runs the scenarios. One that fails does not keep the others from running.
func (b *bench) runAll(ctx context.Context, chosen []scenario) {
	for _, s := range chosen {
		if ctx.Err() != nil {
			return
		}
		start := time.Now()
		fmt.Fprintf(b.log, "\n%s: %s\n", s.name, s.about)
		if err := s.run(b, ctx); err != nil {
			fmt.Fprintf(b.log, "  NOT MEASURED: %v\n", err)
			b.results.failures = append(b.results.failures, s.name)
		}
		fmt.Fprintf(b.log, "  (%.0f s)\n", time.Since(start).Seconds())
	}
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, "  "+format+"\n", args...) }

// server is a program that runs, and the way to ask it.
type server struct {
	*stage.Process
	name   string
	target load.Target
	client *load.Client
}

func (b *bench) start(ctx context.Context, name string, program stage.Program) (*server, error) {
	process, err := b.Start(ctx, program)
	if err != nil {
		return nil, err
	}
	target := load.Target{Addr: process.Addr, TLS: b.ClientTLS()}
	return &server{process, name, target, load.NewClient(target)}, nil
}

// startPullgate starts what is measured.
func (b *bench) startPullgate(ctx context.Context) (*server, error) {
	return b.start(ctx, armPullgate, stage.Program{Path: b.pullgate, Args: []string{"serve", "--config=" + b.config}})
}

// pullgateAndRegistry starts what is measured, a registry nearby, and makes pods with so many containers for that.
func (b *bench) pullgateAndRegistry(
	ctx context.Context, containers int,
) (s *server, r *stage.Registry, pods load.Template, err error) {
	if r, err = b.StartRegistry(0); err != nil {
		return nil, nil, pods, err
	}
	if pods, err = b.template(ctx, containers, r.Host); err != nil {
		return nil, nil, pods, err
	}
	s, err = b.startPullgate(ctx)
	return s, r, pods, err
}

// startArm starts something to compare with.
func (b *bench) startArm(ctx context.Context, name, kind string) (*server, error) {
	return b.start(ctx, name, stage.Program{Path: b.arm, Args: []string{"--kind=" + kind}})
}

// stop ends the server before the stage is cleared.
func (s *server) stop() {
	s.client.Close()
	s.Stop()
}

// template returns a template of pods with so many containers, and a pull secret for the hosts.
func (b *bench) template(ctx context.Context, containers int, hosts ...string) (load.Template, error) {
	b.secrets++
	secret := fmt.Sprintf("regcred-%d", b.secrets)
	if err := b.PullSecret(ctx, secret, hosts...); err != nil {
		return load.Template{}, err
	}
	return load.NewTemplate(stage.Namespace, secret, containers)
}

// expectClean asks once, and wants the pod to be admitted without a remark: a benchmark of failures would be a good one.
func (s *server) expectClean(ctx context.Context, review []byte) error {
	served, err := s.target.Each(ctx, 1, 1, load.Always(review))
	if err != nil {
		return err
	}
	response, err := served.Answers[0].Response()
	switch {
	case err != nil:
		return err
	case !response.Allowed:
		return fmt.Errorf("%s refuses the pod: %s", s.name, response.Result.Message)
	case len(response.Warnings) > 0:
		return fmt.Errorf("%s warns: %s", s.name, response.Warnings[0])
	}
	return nil
}

// warmUp asks for a moment as it will be asked, so that the connections are there. What their handshakes cost would be taken for
// the latency of a server else, and slow answers bring about more of them.
func (s *server) warmUp(ctx context.Context, perSecond int, review []byte) error {
	s.ForgetLog()
	_, err := s.client.Rate(ctx, perSecond, 500*time.Millisecond, load.Always(review))
	return err
}

// shuffled returns the servers in an order that is drawn.
func (b *bench) shuffled(all []*server) []*server {
	drawn := slices.Clone(all)
	b.random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}

// at returns the names with the host before them.
func at(host string, names []string) []string {
	var images []string
	for _, name := range names {
		images = append(images, host+"/"+name)
	}
	return images
}
