package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// stepWidth is where the times begin.
const stepWidth = 74

// The ANSI sequences for a terminal.
const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

// screen is what the audience sees. An error of writing is not looked at: without an audience there is nobody to tell.
type screen struct {
	w      io.Writer
	colour bool
	now    func() time.Time
}

// newScreen honours https://no-color.org.
func newScreen(f *os.File) *screen {
	return &screen{w: f, colour: term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "", now: time.Now}
}

func (s *screen) paint(sequence, text string) string {
	if !s.colour {
		return text
	}
	return sequence + text + reset
}

func (s *screen) title(text string) { fmt.Fprintf(s.w, "\n%s\n\n", s.paint(bold, text)) }

// note is said between the scenes.
func (s *screen) note(text string) { fmt.Fprint(s.w, "\n"+indent(text, "  ")) }

// step names what begins, which may take its time, and returns what adds the time when it has ended.
func (s *screen) step(name string) (finish func()) {
	start := s.now()
	fmt.Fprintf(s.w, "  %-*s", stepWidth, name)
	return func() { fmt.Fprintf(s.w, "%5.1f s\n", s.now().Sub(start).Seconds()) }
}

// scene shows what the next command is about, and the command as one would type it.
func (s *screen) scene(title, command string) {
	fmt.Fprintf(s.w, "\n%s\n$ %s\n", s.paint(bold, title), command)
}

// output shows what a command printed, word for word.
func (s *screen) output(text string) { fmt.Fprint(s.w, indent(text, "    ")) }

// indent moves each line that is not empty to the right.
func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) != "" {
			b.WriteString(by)
		}
		b.WriteString(line)
	}
	return b.String()
}
