package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/pullgate/pullgate/test/registry"
)

// stage is what the demo plays on.
type stage struct {
	tools tools
	out   *screen
	// dir holds every file of the demo, those of its processes included.
	dir string
	// webhookPort and healthPort are where Pullgate listens.
	webhookPort, healthPort int

	account  registry.Account
	registry *registry.Server
	cluster  *cluster
	pullgate *process
	// closers take down what was put up, the last first.
	closers []func()
}

// play sets the stage, plays every scene on it, and clears it, whatever happens.
func play(ctx context.Context, t tools, out *screen) ([]result, error) {
	out.title("Pullgate foretells ImagePullBackOff: a demo with a real API server")
	s := &stage{tools: t, out: out, account: newAccount()}
	defer s.clear()
	if err := s.set(ctx); err != nil {
		return nil, err
	}
	return s.playScenes(ctx)
}

// clear takes down everything.
func (s *stage) clear() {
	s.out.note("")
	finish := s.out.step("stopping everything")
	for _, closer := range slices.Backward(s.closers) {
		closer()
	}
	finish()
}

func (s *stage) onClear(closer func()) { s.closers = append(s.closers, closer) }

// reserve makes the directory, by its name without links (macOS has its temporary directory behind one), and finds
// ports.
func (s *stage) reserve() error {
	dir, err := os.MkdirTemp("", "pullgate-demo-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	s.onClear(func() { _ = os.RemoveAll(dir) })
	if s.dir, err = filepath.EvalSymlinks(dir); err != nil {
		return fmt.Errorf("finding the temporary directory: %w", err)
	}
	ports, err := freePorts(2)
	if err != nil {
		return fmt.Errorf("finding free ports: %w", err)
	}
	s.webhookPort, s.healthPort = ports[0], ports[1]
	return nil
}

// set puts everything up, in the order in which one thing needs another, and tells how long each took.
func (s *stage) set(ctx context.Context) error {
	if err := s.reserve(); err != nil {
		return err
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"registry with an account: " + publicRepositories + " is public, " + privateRepositories + " private", s.startRegistry},
		{"etcd and kube-apiserver (the slow part)", s.startCluster},
		{"kustomize build " + manifests + " | kubectl apply -f -", s.install},
		{"pullgate serve, with the rights of its ServiceAccount", s.startPullgate},
		{"namespaces " + enforceNamespace + " (enforce) and " + warnNamespace + " (warn), and pull secrets", s.prepareNamespaces},
		{"the first refusal: the API server has taken the webhook up", s.awaitWebhook},
	} {
		if err := s.take(ctx, step.name, step.do); err != nil {
			return err
		}
	}
	s.out.note(fmt.Sprintf(`The registry is %s. Two things are not as in a cluster:
there is no pod network, so that in the manifests the webhook's Service gave way to
%s; and there are no nodes, so that what is let in stays Pending.
`, s.registryHost(), s.webhookURL()))
	return nil
}

// take is one step, shown with the time that it took.
func (s *stage) take(ctx context.Context, name string, do func(context.Context) error) error {
	finish := s.out.step(name)
	err := do(ctx)
	finish()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return ctx.Err()
}
