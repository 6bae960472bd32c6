package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progressDelay is the time before the first output, so that a quick check prints no progress.
const progressDelay = time.Second

// progress prints the progress of a long check on a terminal. The zero value prints nothing.
type progress struct {
	out      io.Writer
	total    int
	timer    *time.Timer
	mu       sync.Mutex
	finished int
	visible  bool
}

func startProgress(w io.Writer, total int) *progress {
	p := &progress{total: total}
	if isTerminal(w) {
		p.out = w
		p.timer = time.AfterFunc(progressDelay, p.show)
	}
	return p
}

func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.visible = true
	p.print()
}

func (p *progress) done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finished++
	p.print()
}

// print overwrites the line that was printed before.
func (p *progress) print() {
	if p.visible {
		fmt.Fprintf(p.out, "\r\x1b[Kchecking: %d of %d", p.finished, p.total)
	}
}

// stop removes the line.
func (p *progress) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.visible {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	p.visible = false
}
