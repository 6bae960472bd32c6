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

// scenario is one part of the benchmark.
type scenario struct {
	name, about string
	run         func(*bench, context.Context) error
}

func scenarios() []scenario {
	return []scenario{
		{"warm", "latency, capacity and allocations with cached verdicts", (*bench).warm},
		{"cold", "latency without cached verdicts, by the distance of the registry", (*bench).cold},
		{"wire", "requests for one image", (*bench).wire},
		{"burst", "concurrent pods with one image", (*bench).burst},
		{"spread", "one pod with images on many registries", (*bench).spread},
		{"many", "memory with many references, and under a flood of them", (*bench).many},
		{"outage", "a registry that fails", (*bench).outage},
		{"slow", "known images of a registry that becomes slow", (*bench).slow},
		{"faults", "responses within the timeout under all faults", (*bench).faults},
		{"nodes", "latency by the number of nodes", (*bench).nodes},
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
			return nil, fmt.Errorf("unknown scenario %q", name)
		}
		chosen = append(chosen, scenarios()[i])
	}
	return chosen, nil
}

// runAll runs the scenarios. It continues after a failed one.
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

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.log, "  "+format+"\n", args...) }

// server is a running program and the clients for it.
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

// startPullgate starts the measured program.
func (b *bench) startPullgate(ctx context.Context) (*server, error) {
	return b.startPullgateWith(ctx, b.config)
}

// startPullgateWith starts the measured program with another configuration.
func (b *bench) startPullgateWith(ctx context.Context, config string) (*server, error) {
	return b.start(ctx, armPullgate, stage.Program{Path: b.pullgate, Args: []string{"serve", "--shutdown-delay=0s", "--config=" + config}})
}

// pullgateAndRegistry starts the measured program and a registry, and returns a template of pods with this number of
// containers.
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

// startArm starts a program to compare with.
func (b *bench) startArm(ctx context.Context, name, kind string) (*server, error) {
	return b.start(ctx, name, stage.Program{Path: b.arm, Args: []string{"--kind=" + kind}})
}

// stop stops the server before the stage is cleared.
func (s *server) stop() {
	s.client.Close()
	s.Stop()
}

// template returns a template of pods with this number of containers, and creates a pull secret for the hosts.
func (b *bench) template(ctx context.Context, containers int, hosts ...string) (load.Template, error) {
	b.secrets++
	secret := fmt.Sprintf("regcred-%d", b.secrets)
	if err := b.PullSecret(ctx, secret, hosts...); err != nil {
		return load.Template{}, err
	}
	return load.NewTemplate(stage.Namespace, secret, containers)
}

// expectClean sends one review. It returns an error unless the pod is admitted without warnings, because failures are
// fast and would improve the numbers.
func (s *server) expectClean(ctx context.Context, review []byte) error {
	served, err := s.target.Each(ctx, 1, 1, load.Always(review))
	if err != nil {
		return err
	}
	response, err := served.Responses[0].Parse()
	switch {
	case err != nil:
		return err
	case !response.Allowed:
		return fmt.Errorf("%s denies the pod: %s", s.name, response.Result.Message)
	case len(response.Warnings) > 0:
		return fmt.Errorf("%s warns: %s", s.name, response.Warnings[0])
	}
	return nil
}

// warmUp sends reviews for a moment at the later rate, so that the connections exist. Otherwise the cost of
// handshakes would count as latency, and slow responses would cause more of them.
func (s *server) warmUp(ctx context.Context, perSecond int, review []byte) error {
	s.TruncateLog()
	_, err := s.client.Rate(ctx, perSecond, 500*time.Millisecond, load.Always(review))
	return err
}

// shuffled returns the servers in random order.
func (b *bench) shuffled(all []*server) []*server {
	drawn := slices.Clone(all)
	b.random.Shuffle(len(drawn), func(i, j int) { drawn[i], drawn[j] = drawn[j], drawn[i] })
	return drawn
}

// at returns the names with the host in front.
func at(host string, names []string) []string {
	var images []string
	for _, name := range names {
		images = append(images, host+"/"+name)
	}
	return images
}
