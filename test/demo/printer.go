package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// stepWidth is the column of the times.
const stepWidth = 74

// The ANSI sequences for a terminal.
const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	red   = "\x1b[31m"
	reset = "\x1b[0m"
)

// printer prints the demo. Write errors are ignored: without a reader there is nothing left to do.
type printer struct {
	w      io.Writer
	colour bool
	now    func() time.Time
}

// newPrinter returns a printer that uses colours in a terminal, unless NO_COLOR is set (https://no-color.org).
func newPrinter(f *os.File) *printer {
	return &printer{w: f, colour: term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "", now: time.Now}
}

func (p *printer) paint(sequence, text string) string {
	if !p.colour {
		return text
	}
	return sequence + text + reset
}

func (p *printer) title(text string) { fmt.Fprintf(p.w, "\n%s\n\n", p.paint(bold, text)) }

// note prints text between the examples.
func (p *printer) note(text string) { fmt.Fprint(p.w, "\n"+indent(text, "  ")) }

// step prints the name of a step that begins. The caller calls finish at its end, which prints the time that it took.
func (p *printer) step(name string) (finish func()) {
	start := p.now()
	fmt.Fprintf(p.w, "  %-*s", stepWidth, name)
	return func() { fmt.Fprintf(p.w, "%5.1f s\n", p.now().Sub(start).Seconds()) }
}

// command prints the title of an example and its command.
func (p *printer) command(title, command string) {
	fmt.Fprintf(p.w, "\n%s\n$ %s\n", p.paint(bold, title), command)
}

// output prints the output of a command, word for word.
func (p *printer) output(text string) { fmt.Fprint(p.w, indent(text, "    ")) }

// indent indents every line that is not empty.
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
