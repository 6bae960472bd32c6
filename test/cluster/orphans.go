package cluster

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// bury collects the orphans that have ended: those of others that fell to this process, and not its own children, for
// whom somebody waits.
func (f *family) bury() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, pid := range deadChildren("/proc", os.Getpid()) {
		if !f.own[pid] {
			// It is dead, and nobody else collects it: this neither waits nor fails.
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
	}
}

// deadChildren returns the children of the process that have ended and are not collected, as a proc file system has them.
func deadChildren(proc string, parent int) []int {
	files, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "stat")) // the pattern is a good one
	var dead []int
	for _, file := range files {
		if s, ok := readStat(file); ok && s.dead && s.parent == parent {
			dead = append(dead, s.pid)
		}
	}
	return dead
}

// stat is what a proc file system says of a process.
type stat struct {
	pid, parent int
	name        string
	// dead is a process, or at least its first thread, that has ended.
	dead bool
}

// readStat returns false if there is no such process any more.
func readStat(file string) (stat, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return stat{}, false
	}
	// The name stands in parentheses and may hold some itself.
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
