package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/pullgate/pullgate/test/process"
)

// daemon is a program that runs as long as the cluster.
type daemon struct {
	path string
	args []string
}

func (d daemon) name() string { return filepath.Base(d.path) }

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

// restartFile is a file that makes init start a daemon again, once, after it has ended.
func (p Plan) restartFile(daemon string) string { return p.path("etc", "restart-"+daemon) }

// start starts the daemon, and writes its output to its log. A daemon that ends, and is not to start again, ends the cluster.
func (c *children) start(d daemon) error {
	log, err := os.Create(c.plan.logFile(d.name()))
	if err != nil {
		return fmt.Errorf("creating the log of %s: %w", d.name(), err)
	}
	defer log.Close()
	cmd := exec.Command(d.path, d.args...)
	cmd.Dir, cmd.Env = c.plan.Dir, c.plan.environment()
	p, err := process.Start(cmd, process.Options{Output: log, Start: c.startChild})
	if err != nil {
		return fmt.Errorf("starting %s: %w", d.name(), err)
	}
	c.busy.Go(func() {
		<-p.Done()
		c.remove(p.Pid())
		if os.Remove(c.plan.restartFile(d.name())) == nil {
			if err := c.start(d); err != nil {
				c.end(err)
			}
			return
		}
		c.end(fmt.Errorf("%w; its last output:\n%s", p.Ended(), lastLines(p.Output())))
	})
	return nil
}

// end reports the end of a daemon, which ends the cluster.
func (c *children) end(err error) {
	select {
	case c.ended <- err:
	default:
	}
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
	cmd.Env = c.plan.environment()
	p, err := process.Start(cmd, process.Options{Start: c.startChild})
	if err != nil {
		return fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	defer c.remove(p.Pid())
	if err := p.Wait(context.Background()); err != nil {
		return fmt.Errorf("%w: %s", err, strings.TrimSpace(p.Output()))
	}
	return nil
}

// lastLines returns the last five lines.
func lastLines(output string) string {
	lines := strings.Split(strings.TrimSpace(output), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}
