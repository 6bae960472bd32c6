package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// upTimeout exceeds the time that a slow machine needs for each wait.
const upTimeout = 2 * time.Minute

// RunInit is PID 1 of the cluster's namespaces. It starts the cluster, reports that it is ready, and runs until the
// context ends. If one of its programs ends first, that is an error. The kernel ends the remaining processes.
func RunInit(ctx context.Context, p Plan, report io.WriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newChildren(p)
	go c.reapOrphans(ctx)
	up := make(chan error, 1)
	go func() { up <- startAll(ctx, c, report) }()
	select {
	case err := <-up:
		if err != nil {
			return err
		}
	case err := <-c.ended:
		return err
	}
	_, err := fmt.Fprintln(report, readyLine)
	if err := errors.Join(err, report.Close()); err != nil {
		return fmt.Errorf("reporting: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.ended:
		return err
	}
}

// start runs the steps in the order of their dependencies.
func startAll(ctx context.Context, c *children, report io.Writer) error {
	p := c.plan
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"mounts and network", func() error { return errors.Join(p.mountAll(), c.connect()) }},
		{"name server and registries", func() error { return errors.Join(c.serveNames(ctx), p.serveStandard()) }},
		{"etcd and kube-apiserver", func() error { return c.startControlPlane(ctx) }},
		{"containerd and kubelet: the node is Ready", func() error { return c.startNode(ctx) }},
		{"controllers: the service account exists", func() error { return p.await(ctx, serviceAccountExists) }},
	} {
		if err := runStep(report, step.name, step.do); err != nil {
			return err
		}
	}
	return nil
}

// startControlPlane starts containerd too, so that it is ready when the API server is.
func (c *children) startControlPlane(ctx context.Context) error {
	p := c.plan
	if err := c.startDaemons(p.etcd(), p.apiServer(), p.containerd()); err != nil {
		return err
	}
	return p.await(ctx, apiServerReady)
}

func (c *children) startNode(ctx context.Context) error {
	p := c.plan
	socket := func(context.Context) (bool, error) {
		_, err := os.Stat(containerdSocket)
		return err == nil, nil
	}
	timed, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	if err := poll(timed, socket); err != nil {
		return fmt.Errorf("waiting for containerd: %w", err)
	}
	if err := c.startDaemons(p.controllerManager(), p.scheduler(), p.proxy(), p.kubelet()); err != nil {
		return err
	}
	return p.await(ctx, nodeReady)
}

func (c *children) startDaemons(daemons ...daemon) error {
	for _, d := range daemons {
		if err := c.start(d); err != nil {
			return err
		}
	}
	return nil
}

// serveNames starts the name server at the node's address, where pods can reach it.
func (c *children) serveNames(ctx context.Context) error {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(nodeIP, "53"))
	if err != nil {
		return fmt.Errorf("starting the name server: %w", err)
	}
	server := nameServer{file: c.plan.addressFile()}
	go func() {
		if err := server.serve(ctx, conn); err != nil {
			c.end(err)
		}
	}()
	return nil
}

// reapOrphans reaps orphans after each exit of a child.
func (c *children) reapOrphans(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			c.reap()
		}
	}
}
