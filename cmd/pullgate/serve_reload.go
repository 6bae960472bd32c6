package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/pullgate/pullgate/webhook/config"
	"github.com/pullgate/pullgate/webhook/metrics"
)

// reloadInterval is the time between two reads of the configuration file. The kubelet itself updates a mounted ConfigMap within a
// minute or two. Reading the file works for every kind of mount, and costs microseconds; events of the file system do not reach every
// mount.
const reloadInterval = 2 * time.Second

// addReload adds the reloader of the configuration file, if there is a file.
func addReload(mgr ctrl.Manager, o serveOptions, hash string, use useFunc) error {
	reloads, err := metrics.NewReloads(ctrlmetrics.Registry, hash)
	if err != nil {
		return fmt.Errorf("registering metrics: %w", err)
	}
	if o.configFile == "" {
		return nil
	}
	r := &reloader{file: o.configFile, read: os.ReadFile, use: use, metrics: reloads, log: o.log.Logger, handled: hash}
	if err := mgr.Add(r); err != nil {
		return fmt.Errorf("watching the configuration: %w", err)
	}
	return nil
}

// useFunc puts a configuration to use. Retire waits for the end of the former one. An error changes nothing.
type useFunc func(ctx context.Context, c config.Configuration) (retire func(), keepsCaches bool, err error)

// reloader reads the configuration file again when it changes. A file with an error is refused: the former configuration stays in use,
// and the replica stays ready.
//
// One change is handled at a time, until nothing uses the former configuration any more. So any number of changes takes the memory of
// two configurations.
type reloader struct {
	file    string
	read    func(name string) ([]byte, error)
	use     useFunc
	metrics *metrics.Reloads
	log     *slog.Logger

	// handled is the version that was used or refused last, and last the version that was read last. A version is a hash, or an error
	// of reading.
	handled, last string
}

var (
	_ manager.Runnable               = (*reloader)(nil)
	_ manager.LeaderElectionRunnable = (*reloader)(nil)
)

// NeedLeaderElection returns false: every replica has its own file.
func (*reloader) NeedLeaderElection() bool { return false }

// Start reads the file at intervals, until the context ends.
func (r *reloader) Start(ctx context.Context) error {
	ticker := time.NewTicker(reloadInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			r.poll(ctx)
		}
	}
}

// poll reads the file, and handles a new version. A version counts when two reads have found it: an editor may be writing the file, and
// the first half of a configuration may be valid.
func (r *reloader) poll(ctx context.Context) {
	data, err := r.read(r.file)
	version := configurationHash(data)
	if err != nil {
		version = err.Error()
	}
	isStable := version == r.last
	r.last = version
	if !isStable || version == r.handled {
		return
	}
	r.handled = version
	var retire func()
	var keepsCaches bool
	if err == nil {
		retire, keepsCaches, err = r.load(ctx, data)
	}
	if err != nil {
		r.metrics.Refused()
		r.log.ErrorContext(ctx, "configuration refused, the former one stays in use", "file", r.file, "error", err)
		return
	}
	r.metrics.Accepted(version)
	r.log.InfoContext(ctx, "configuration reloaded", "file", r.file, "hash", version, "keepsCaches", keepsCaches)
	retire()
}

func (r *reloader) load(ctx context.Context, data []byte) (retire func(), keepsCaches bool, err error) {
	c, err := config.Load(data)
	if err != nil {
		return nil, false, err
	}
	return r.use(ctx, c)
}
