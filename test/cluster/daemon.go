package cluster

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"sync"
)

// daemon is a program that runs as long as the cluster.
type daemon struct {
	name string
	path string
	args []string
}

// children are the child processes of init. As PID 1, init also becomes the parent of orphans, and reaps both.
type children struct {
	plan Plan
	// ended receives the end of the first daemon that ends.
	ended chan error

	mu   sync.Mutex
	own  map[int]bool
	busy sync.WaitGroup
}

func newChildren(p Plan) *children {
	return &children{plan: p, ended: make(chan error, 1), own: map[int]bool{}}
}

// environment returns the whole environment of a daemon. With a home of its own, a developer's registry credentials
// do not reach the node. Proxy variables are left out.
func (p Plan) environment() []string {
	return []string{
		"HOME=" + p.path("home"),
		"PATH=" + p.Programs + ":" + p.Assets + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}
}

func (p Plan) logFile(name string) string { return p.path("logs", name+".log") }

// start starts the daemon, and writes its output to its log.
func (c *children) start(d daemon) error {
	log, err := os.Create(c.plan.logFile(d.name))
	if err != nil {
		return fmt.Errorf("creating the log of %s: %w", d.name, err)
	}
	defer log.Close()
	cmd := exec.Command(d.path, d.args...)
	cmd.Dir, cmd.Env = c.plan.Dir, c.plan.environment()
	cmd.Stdout, cmd.Stderr = log, log
	if err := c.startChild(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", d.name, err)
	}
	c.busy.Go(func() {
		// The process state has the exit status.
		_ = cmd.Wait()
		c.remove(cmd.Process.Pid)
		end := fmt.Errorf("%s ended: %s; its last output:\n%s", d.name, cmd.ProcessState, lastLines(c.plan.logFile(d.name)))
		select {
		case c.ended <- end:
		default:
		}
	})
	return nil
}

// startChild starts the command as an own child, which reap skips. The lock keeps reap from running before the child
// is recorded.
func (c *children) startChild(cmd *exec.Cmd) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	c.own[cmd.Process.Pid] = true
	return nil
}

func (c *children) remove(pid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.own, pid)
}

// run runs a command and waits for its end.
func (c *children) run(cmd *exec.Cmd) error {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.Env = &output, &output, c.plan.environment()
	if err := c.startChild(cmd); err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	defer c.remove(cmd.Process.Pid)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("running %s: %w: %s", cmd.Path, err, bytes.TrimSpace(output.Bytes()))
	}
	return nil
}

// lastLines returns the last lines of a file.
func lastLines(path string) string {
	const lines, enough = 5, 4 << 10
	// Without the file, there are no lines.
	data, _ := os.ReadFile(path)
	data = bytes.TrimSpace(data[max(0, len(data)-enough):])
	parts := bytes.Split(data, []byte("\n"))
	return string(bytes.Join(parts[max(0, len(parts)-lines):], []byte("\n")))
}
