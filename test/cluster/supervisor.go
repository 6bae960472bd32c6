package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/pullgate/pullgate/test/process"
)

// gracePeriod is the time between SIGTERM and SIGKILL. removalTimeout is the time that the kernel may need to release
// cgroups.
const (
	gracePeriod    = 10 * time.Second
	removalTimeout = 20 * time.Second
)

// detachByte is the byte that a caller sends if the cluster should outlive it.
const detachByte = 's'

// RunSupervisor holds the resources of the machine while init runs. It stops init when the context ends, or when the
// caller exits without detaching the cluster. Then it releases the resources.
func RunSupervisor(ctx context.Context, p Plan, report *os.File, caller io.Reader) (err error) {
	// The kernel kills init when the thread that started it exits.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	held, err := p.acquire()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.releaseResources(), held.release()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		waitForCaller(caller)
		cancel()
	}()
	if err := p.acquireResources(); err != nil {
		return err
	}
	child, err := p.startInit(report)
	if err != nil {
		return err
	}
	err = held.write(holder{Supervisor: os.Getpid(), Init: child.Pid(), Plan: p})
	if err != nil {
		cancel()
	}
	return errors.Join(err, waitForInit(ctx, child))
}

// waitForCaller returns when the caller exits without detaching the cluster. Otherwise it does not return.
func waitForCaller(caller io.Reader) {
	buffer := make([]byte, 1)
	if n, _ := caller.Read(buffer); n == 1 && buffer[0] == detachByte {
		select {}
	}
}

// acquireResources acquires the resources of the machine that the cluster needs. It first releases the remains of an
// earlier supervisor left.
func (p Plan) acquireResources() error {
	if err := p.releaseResources(); err != nil {
		return fmt.Errorf("releasing the resources of an earlier cluster: %w", err)
	}
	if err := p.prepare(); err != nil {
		return err
	}
	if err := makeFolders(p.foldersRecord(), privateFolders()); err != nil {
		return err
	}
	return p.cgroups().make()
}

// releaseResources releases all resources, including the remains of a killed supervisor. It continues after errors.
func (p Plan) releaseResources() error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTimeout)
	defer cancel()
	// Only a killed supervisor leaves content in the lock.
	if h, ok := p.lastHolder(); ok {
		waitForExit(ctx, "/proc", h.Init)
	}
	return errors.Join(p.cgroups().remove(ctx), removeFolders(p.foldersRecord(), func(f string) bool { return mounted("/proc", f) }), p.remove())
}

// waitForExit waits until an init process or a supervisor has exited. After a kill, the process and its mounts remain
// for a moment.
func waitForExit(ctx context.Context, proc string, pid int) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	gone := func(context.Context) (bool, error) {
		s, ok := readStat(filepath.Join(dir, "stat"))
		// The first thread may be dead while other threads still end the processes in the namespaces.
		threads, _ := filepath.Glob(filepath.Join(dir, "task", "*")) // the pattern is valid
		return !ok || s.name != "cluster" || s.dead && len(threads) <= 1, nil
	}
	// If the process does not exit, removing its resources returns an error.
	_ = poll(ctx, gone)
}

func (p Plan) foldersRecord() string { return p.path("folders") }

func (p Plan) cgroups() cgroups { return cgroups{root: "/sys/fs/cgroup", name: p.cgroup()} }

// startInit starts init in new namespaces. Init reports directly to the caller of Up.
func (p Plan) startInit(report *os.File) (*process.Process, error) {
	log, err := os.Create(p.logFile("init"))
	if err != nil {
		return nil, fmt.Errorf("creating init's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(p.Programs, "cluster"), "init", p.String())
	cmd.Dir, cmd.Env = p.Dir, p.environment()
	cmd.ExtraFiles = []*os.File{report}
	cmd.SysProcAttr = isolated()
	child, err := process.Start(cmd, process.Options{Output: log})
	if err != nil {
		return nil, fmt.Errorf("starting init: %w", err)
	}
	// Now only init has the report open, so that the report ends with init.
	if err := report.Close(); err != nil {
		child.Kill()
		return nil, fmt.Errorf("closing the report: %w", err)
	}
	return child, nil
}

// waitForInit waits until init exits, and stops it when the context ends.
func waitForInit(ctx context.Context, p *process.Process) error {
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.Stop(gracePeriod)
	}
	if err := p.Wait(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("running init: %w", err)
	}
	return nil
}
