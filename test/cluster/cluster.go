package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Cluster is one that is up. Up or Open makes one.
type Cluster struct {
	plan   Plan
	keeper int
	// life is the end of the pipe by which the warden notices that this process has gone; nil for one that stays.
	life io.Closer
	// warden has a value once the warden has ended, if it is a child of this process.
	warden <-chan error
}

// Up brings a cluster up and returns when its node is ready for pods. The caller takes it down; if this process ends
// before that, and the cluster is not Detached, it goes down by itself.
func Up(ctx context.Context, o Options) (*Cluster, error) {
	p, err := o.ready()
	if err != nil {
		return nil, err
	}
	progress := o.Progress
	if progress == nil {
		progress = io.Discard
	}
	w, err := p.startWarden()
	if err != nil {
		return nil, err
	}
	if err := w.await(ctx, progress); err != nil {
		return nil, err
	}
	h, _, err := p.holder()
	if err != nil {
		return nil, errors.Join(err, w.life.Close(), <-w.ended)
	}
	c := &Cluster{plan: p, keeper: h.Keeper, life: w.life, warden: w.ended}
	if o.Detached {
		return c, c.detach()
	}
	return c, nil
}

// ready returns the plan if this machine has what it takes.
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
		return Plan{}, fmt.Errorf("making the cluster's folder: %w", err)
	}
	overlay, err := onOverlay(p.Dir)
	if err == nil && overlay {
		err = fmt.Errorf("%s is on an overlay file system, which images can't be unpacked on: name another folder", p.Dir)
	}
	return p, err
}

// detach tells the warden that the cluster stays.
func (c *Cluster) detach() error {
	life := c.life
	c.life, c.warden = nil, nil
	if _, err := life.(io.Writer).Write([]byte{staying}); err != nil {
		return errors.Join(fmt.Errorf("letting the cluster stay: %w", err), life.Close())
	}
	return life.Close()
}

// Open returns the cluster that is up in the folder; empty means DefaultDir.
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
	return &Cluster{plan: h.Plan, keeper: h.Keeper}, nil
}

// ErrDown says that there is no cluster.
var ErrDown = errors.New("no cluster is up")
