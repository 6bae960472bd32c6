package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pullgate/pullgate/test/process"
)

// Cluster is a running cluster. Up and Open return one.
type Cluster struct {
	plan    Plan
	initPID int
	// callerPipe is the pipe through which the supervisor notices that this process has exited. It is nil for a
	// detached cluster.
	callerPipe io.Closer
	// supervisor is the supervisor's process. It is nil unless it is a child of this process that has not ended.
	supervisor *process.Process
}

// Up starts a cluster and returns when its node is ready for pods. The caller stops it with Down. Unless the cluster
// is Detached, it also stops when this process exits.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	p, err := o.ready()
	if err != nil {
		return nil, err
	}
	progress := o.Progress
	if progress == nil {
		progress = io.Discard
	}
	s, err := p.startSupervisor()
	if err != nil {
		return nil, err
	}
	if err := s.await(ctx, progress); err != nil {
		return nil, err
	}
	h, _, err := p.holder()
	if err != nil {
		return nil, errors.Join(err, s.callerPipe.Close(), s.process.Wait(context.WithoutCancel(ctx)))
	}
	c := &Cluster{plan: p, initPID: h.Init, callerPipe: s.callerPipe, supervisor: s.process}
	if o.Detached {
		return c, c.detach()
	}
	return c, nil
}

// ready returns the plan if this machine can run a cluster.
func (o Options) ready() (Plan, error) {
	plugins, err := machine().check()
	if err != nil {
		return Plan{}, err
	}
	p, err := o.plan()
	if err != nil {
		return Plan{}, err
	}
	p.Plugins = plugins
	if err := p.checkPrograms(); err != nil {
		return Plan{}, err
	}
	if err := os.MkdirAll(p.path("logs"), 0o700); err != nil {
		return Plan{}, fmt.Errorf("creating the cluster's folder: %w", err)
	}
	overlay, err := onOverlay(p.Dir)
	if err == nil && overlay {
		err = fmt.Errorf("%s is on an overlay file system, where containerd cannot unpack images: choose another folder", p.Dir)
	}
	return p, err
}

// detach makes the supervisor continue after this process exits.
func (c *Cluster) detach() error {
	pipe := c.callerPipe
	c.callerPipe, c.supervisor = nil, nil
	if _, err := pipe.(io.Writer).Write([]byte{detachByte}); err != nil {
		return errors.Join(fmt.Errorf("detaching the cluster: %w", err), pipe.Close())
	}
	return pipe.Close()
}

// Open returns the running cluster in the folder. Empty means DefaultDir.
func Open(dir string) (*Cluster, error) {
	dir, err := resolveDir(dir)
	if err != nil {
		return nil, err
	}
	h, up, err := Plan{Dir: dir}.holder()
	if err != nil {
		return nil, err
	}
	if !up {
		return nil, fmt.Errorf("%w in %s", ErrDown, dir)
	}
	return &Cluster{plan: h.Plan, initPID: h.Init}, nil
}

// ErrDown means that no cluster is running.
var ErrDown = errors.New("no cluster is running")
