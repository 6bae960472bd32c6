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
	"syscall"
	"time"
)

// graceful is how long what is asked to end may take before it is ended, and removalTimeout how long the kernel may
// take to let go of cgroups.
const (
	graceful       = 10 * time.Second
	removalTimeout = 20 * time.Second
)

// staying is the byte by which a caller says that the cluster is to stay when the caller goes.
const staying = 's'

// RunWarden holds what the cluster takes from the machine while the keeper runs inside. It ends the keeper when the
// context ends, or when the caller goes without having said that the cluster stays, and then gives all back.
func RunWarden(ctx context.Context, p Plan, report *os.File, life io.Reader) (err error) {
	// The keeper's life hangs on the thread that starts it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	held, err := p.acquire()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.giveBack(), held.release()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		watchLife(life)
		cancel()
	}()
	if err := p.take(); err != nil {
		return err
	}
	keeper, err := p.startKeeper(report)
	if err != nil {
		return err
	}
	err = held.tell(holder{Warden: os.Getpid(), Keeper: keeper.Process.Pid, Plan: p})
	if err != nil {
		cancel()
	}
	return errors.Join(err, attend(ctx, keeper))
}

// watchLife returns when the caller has gone without a word; never if the cluster is to stay.
func watchLife(life io.Reader) {
	word := make([]byte, 1)
	if n, _ := life.Read(word); n == 1 && word[0] == staying {
		select {}
	}
}

// take takes from the machine what the cluster needs, after what an earlier warden may have left.
func (p Plan) take() error {
	if err := p.giveBack(); err != nil {
		return fmt.Errorf("clearing up after an earlier cluster: %w", err)
	}
	if err := p.prepare(); err != nil {
		return err
	}
	if err := makeFolders(p.foldersRecord(), hidden()); err != nil {
		return err
	}
	return p.cgroups().make()
}

// giveBack gives everything back, also what was taken by a warden that was killed. All of it is tried.
func (p Plan) giveBack() error {
	ctx, cancel := context.WithTimeout(context.Background(), removalTimeout)
	defer cancel()
	// A warden that was not killed leaves nothing in the lock.
	if h, told := p.lastHolder(); told {
		outlive(ctx, "/proc", h.Keeper)
	}
	return errors.Join(p.cgroups().remove(ctx), removeFolders(p.foldersRecord(), func(f string) bool { return mounted("/proc", f) }), p.remove())
}

// outlive waits for a keeper or a warden to be gone: one that was killed takes a moment, and its mounts with it.
func outlive(ctx context.Context, proc string, pid int) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	gone := func(context.Context) (bool, error) {
		s, ok := readStat(filepath.Join(dir, "stat"))
		// Its first thread may be dead while others have yet to end what is in the namespaces.
		threads, _ := filepath.Glob(filepath.Join(dir, "task", "*")) // the pattern is a good one
		return !ok || s.name != "cluster" || s.dead && len(threads) <= 1, nil
	}
	// If it does not go, removing what it uses says so.
	_ = poll(ctx, gone)
}

func (p Plan) foldersRecord() string { return p.path("folders") }

func (p Plan) cgroups() cgroups { return cgroups{root: "/sys/fs/cgroup", name: p.cgroup()} }

// startKeeper starts the keeper in namespaces of its own. It reports to the caller of Up itself.
func (p Plan) startKeeper(report *os.File) (*exec.Cmd, error) {
	log, err := os.Create(p.logFile("keeper"))
	if err != nil {
		return nil, fmt.Errorf("making the keeper's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(p.Programs, "cluster"), "keeper", p.String())
	cmd.Dir, cmd.Env = p.Dir, p.environment()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{report}
	cmd.SysProcAttr = isolated()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the keeper: %w", err)
	}
	// From here on the report is the keeper's alone: its end is the end of the report.
	if err := report.Close(); err != nil {
		return nil, errors.Join(fmt.Errorf("handing over the report: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	return cmd, nil
}

// attend waits for the keeper to end, and has it end when the context does.
func attend(ctx context.Context, keeper *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- keeper.Wait() }()
	select {
	case err := <-ended:
		return wardenError(err)
	case <-ctx.Done():
	}
	// What ended meanwhile takes no signals.
	_ = keeper.Process.Signal(syscall.SIGTERM)
	timer := time.AfterFunc(graceful, func() { _ = keeper.Process.Kill() })
	defer timer.Stop()
	return wardenError(<-ended)
}

func wardenError(err error) error {
	if err != nil {
		return fmt.Errorf("the keeper ended: %w", err)
	}
	return nil
}
