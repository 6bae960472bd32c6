package cluster

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// reap collects the exit statuses of orphans, which the kernel gives to PID 1. It skips init's own children, because
// another goroutine waits for them.
func (c *children) reap() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, pid := range deadChildren("/proc", os.Getpid()) {
		if !c.own[pid] {
			// The process is dead and has no other waiter, so this does not block.
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// deadChildren returns the children of the process that have exited and are not reaped, according to the proc file
// system.
func deadChildren(proc string, parent int) []int {
	files, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "stat")) // the pattern is valid
	var dead []int
	for _, file := range files {
		if s, ok := readStat(file); ok && s.dead && s.parent == parent {
			dead = append(dead, s.pid)
		}
	}
	return dead
}

// stat is the status of a process in the proc file system.
type stat struct {
	pid, parent int
	name        string
	// dead means that the process, or at least its first thread, has exited.
	dead bool
}

// readStat returns false if the process does not exist.
func readStat(file string) (stat, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return stat{}, false
	}
	// The name is in parentheses and may contain some.
	text := string(data)
	begin, end := strings.Index(text, "("), strings.LastIndex(text, ")")
	if begin < 0 || end < begin {
		return stat{}, false
	}
	rest := strings.Fields(text[end+1:])
	pid, err := strconv.Atoi(strings.TrimSpace(text[:begin]))
	if err != nil || len(rest) < 2 {
		return stat{}, false
	}
	parent, err := strconv.Atoi(rest[1])
	return stat{pid: pid, parent: parent, name: text[begin+1 : end], dead: rest[0] == "Z" || rest[0] == "X"}, err == nil
}
