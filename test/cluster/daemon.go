package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

// daemon is a program that runs as long as the cluster does.
type daemon struct {
	name string
	path string
	args []string
}

// family are the children of the keeper. As process 1 it also inherits the orphans of others, and buries both.
type family struct {
	plan Plan
	// ended tells of the first daemon that ended.
	ended chan error

	mu   sync.Mutex
	own  map[int]bool
	busy sync.WaitGroup
}

func newFamily(p Plan) *family {
	return &family{plan: p, ended: make(chan error, 1), own: map[int]bool{}}
}

// environment is all that a daemon gets of it. A home of its own keeps a developer's registry credentials, and proxies,
// off the node.
func (p Plan) environment() []string {
	return []string{
		"HOME=" + p.path("home"),
		"PATH=" + p.Programs + ":" + p.Assets + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

func (p Plan) logFile(name string) string { return p.path("logs", name+".log") }

// start starts the daemon, whose output goes to its log.
func (f *family) start(d daemon) error {
	log, err := os.Create(f.plan.logFile(d.name))
	if err != nil {
		return fmt.Errorf("making the log of %s: %w", d.name, err)
	}
	defer log.Close()
	cmd := exec.Command(d.path, d.args...)
	cmd.Dir, cmd.Env = f.plan.Dir, f.plan.environment()
	cmd.Stdout, cmd.Stderr = log, log
	if err := f.adopt(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", d.name, err)
	}
	f.busy.Go(func() {
		// How it ended is in the process state.
		_ = cmd.Wait()
		f.forget(cmd.Process.Pid)
		end := fmt.Errorf("%s ended: %s; its last words:\n%s", d.name, cmd.ProcessState, lastLines(f.plan.logFile(d.name)))
		select {
		case f.ended <- end:
		default:
		}
	})
	return nil
}

// adopt starts the command as one that bury leaves alone. The lock keeps bury from seeing it before it is known.
func (f *family) adopt(cmd *exec.Cmd) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	f.own[cmd.Process.Pid] = true
	return nil
}

func (f *family) forget(pid int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.own, pid)
}

// run waits for a command that ends by itself.
func (f *family) run(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &output, &output, f.plan.environment()
	if err := f.adopt(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	defer f.forget(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("running %s: %w: %s", cmd.Path, err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// lastLines returns the end of a file.
func lastLines(path string) string {
	const lines, enough = 5, 4 << 10
	// Without the file there are no last words.
	data, _ := os.ReadFile(path)
	data = bytes.TrimSpace(data[max(0, len(data)-enough):])
	parts := bytes.Split(data, []byte("\n"))
	return string(bytes.Join(parts[max(0, len(parts)-lines):], []byte("\n")))
}
