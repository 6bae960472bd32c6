package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// upTimeout is what a slow machine may need for each thing that is waited for, and more.
const upTimeout = 2 * time.Minute

// RunKeeper is process 1 of the cluster's namespaces: it brings the cluster up inside, tells so on the report, and keeps
// it until the context ends, or until one of its programs does, which is an error. What it leaves running the kernel ends.
func RunKeeper(ctx context.Context, p Plan, report io.WriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := newFamily(p)
	go f.buryOrphans(ctx)
	up := make(chan error, 1)
	go func() { up <- bringUp(ctx, f, report) }()
	select {
	case err := <-up:
		if err != nil {
			return err
		}
	case err := <-f.ended:
		return err
	}
	_, err := fmt.Fprintln(report, readyLine)
	if err := errors.Join(err, report.Close()); err != nil {
		return fmt.Errorf("reporting: %w", err)
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-f.ended:
		return err
	}
}

// bringUp takes the steps in the order in which one thing needs another.
func bringUp(ctx context.Context, f *family, report io.Writer) error {
	p := f.plan
	for _, step := range []struct {
		name string
		do   func() error
	}{
		{"mounts and network", func() error { return errors.Join(p.mountAll(), f.connect()) }},
		{"name server and registries", func() error { return errors.Join(f.serveNames(ctx), p.serveStandard()) }},
		{"etcd and kube-apiserver", func() error { return f.startControlPlane(ctx) }},
		{"containerd and kubelet: the node is Ready", func() error { return f.startNode(ctx) }},
		{"controllers: there is a service account", func() error { return p.await(ctx, serviceAccountExists) }},
	} {
		if err := take(report, step.name, step.do); err != nil {
			return err
		}
	}
	return nil
}

// startControlPlane starts containerd too, which is ready by the time the API server is.
func (f *family) startControlPlane(ctx context.Context) error {
	p := f.plan
	if err := f.startAll(p.etcd(), p.apiServer(), p.containerd()); err != nil {
		return err
	}
	return p.await(ctx, apiServerReady)
}

func (f *family) startNode(ctx context.Context) error {
	p := f.plan
	socket := func(context.Context) (bool, error) {
		_, err := os.Stat(containerdSocket)
		return err == nil, nil
	}
	timed, cancel := context.WithTimeout(ctx, upTimeout)
	defer cancel()
	if err := poll(timed, socket); err != nil {
		return fmt.Errorf("waiting for containerd: %w", err)
	}
	if err := f.startAll(p.controllerManager(), p.scheduler(), p.proxy(), p.kubelet()); err != nil {
		return err
	}
	return p.await(ctx, nodeReady)
}

func (f *family) startAll(daemons ...daemon) error {
	for _, d := range daemons {
		if err := f.start(d); err != nil {
			return err
		}
	}
	return nil
}

// serveNames starts the name server, at the node's address, where pods reach it too.
func (f *family) serveNames(ctx context.Context) error {
	conn, err := net.ListenPacket("udp", net.JoinHostPort(nodeIP, "53"))
	if err != nil {
		return fmt.Errorf("starting the name server: %w", err)
	}
	server := nameServer{file: f.plan.addressFile()}
	go func() {
		if err := server.serve(ctx, conn); err != nil {
			select {
			case f.ended <- err:
			default:
			}
		}
	}()
	return nil
}

// buryOrphans looks for orphans whenever a child has ended.
func (f *family) buryOrphans(ctx context.Context) {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			f.bury()
		}
	}
}

// prepare writes all files that the keeper and its programs read.
func (p Plan) prepare() error {
	if err := p.makeDirs(); err != nil {
		return err
	}
	if err := p.writeFiles(); err != nil {
		return err
	}
	return p.writeKeys()
}

// remove removes all files but the logs and the lock.
func (p Plan) remove() error {
	var errs []error
	for _, dir := range p.passing() {
		if err := os.RemoveAll(filepath.Clean(dir)); err != nil {
			errs = append(errs, fmt.Errorf("removing files: %w", err))
		}
	}
	return errors.Join(errs...)
}
