package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// longestCell bounds an image in the table; the formats for machines have it in full.
const longestCell = 80

// The ANSI sequences that terminals know.
const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

const (
	columns = 6
	// resultColumn is the one that is coloured.
	resultColumn = 4
)

// row is one line of the table, a cell for each column.
type row [columns]string

// WriteTable writes the report for a person: a row for each image, what to do and what to know of it indented below, and
// a summary at the end. Columns that would be empty are left out. Colour is for terminals.
func WriteTable(w io.Writer, r Report, colour bool) error {
	if _, err := io.WriteString(w, r.table(colour)); err != nil {
		return fmt.Errorf("writing table: %w", err)
	}
	return nil
}

func (r Report) table(colour bool) string {
	var b strings.Builder
	if len(r.Entries) > 0 {
		r.writeRows(&b, colour)
		b.WriteString("\n")
	}
	for _, note := range r.Notes {
		b.WriteString("note: " + printable(note) + "\n")
	}
	b.WriteString(r.Summary().String() + "\n")
	return b.String()
}

func (r Report) writeRows(b *strings.Builder, colour bool) {
	rows := make([]row, 0, len(r.Entries))
	for _, entry := range r.Entries {
		rows = append(rows, entry.row())
	}
	layout := measure(rows)
	layout.write(b, layout.header(), "")
	for i, entry := range r.Entries {
		layout.write(b, rows[i], paint(entry.Finding.Outcome(), colour))
		for _, line := range below(entry.Finding) {
			b.WriteString("    " + line + "\n")
		}
	}
}

// row fills the cells of one image.
func (e Entry) row() row {
	f := e.Finding
	object := ""
	if e.Object != nil {
		object = e.Object.String()
	}
	return row{
		cell(e.Source), cell(object), cell(place(f.Use)), cell(f.Image), f.Outcome().String(), causeCell(f.Verdict),
	}
}

// causeCell is the reason with its detail; the reason Pullable would only repeat the result.
func causeCell(v imagepull.Verdict) string {
	var parts []string
	if v.Reason != imagepull.ReasonPullable && v.Reason != "" {
		parts = append(parts, string(v.Reason))
	}
	if v.Detail != "" {
		parts = append(parts, printable(v.Detail))
	}
	return strings.Join(parts, ": ")
}

// place names the container, and its kind where that is not the ordinary one.
func place(u imagepull.Use) string {
	if u.Kind == imagepull.Bare || u.Kind == imagepull.Container {
		return u.Name
	}
	return u.Name + " (" + u.Kind.String() + ")"
}

// cell keeps foreign text from steering the terminal and from pushing the columns apart.
func cell(s string) string { return cutMiddle(printable(s), longestCell) }

// below lists what to do about an image that may fail, and every remark.
func below(f imagepull.Finding) []string {
	lines := remarks(f)
	if fix := fixOf(f.Verdict); fix != "" {
		lines = slices.Insert(lines, 0, "fix: "+fix)
	}
	return lines
}

// layout holds the width of each column; one without content has none.
type layout [columns]int

func measure(rows []row) layout {
	var l layout
	for _, r := range rows {
		for i, cell := range r {
			l[i] = max(l[i], utf8.RuneCountInString(cell))
		}
	}
	for i, title := range titles() {
		if l[i] > 0 {
			l[i] = max(l[i], len(title))
		}
	}
	return l
}

func titles() row { return row{"SOURCE", "OBJECT", "CONTAINER", "IMAGE", "RESULT", "CAUSE"} }

// header returns the titles of the columns that are shown.
func (l layout) header() row {
	header := titles()
	for i, width := range l {
		if width == 0 {
			header[i] = ""
		}
	}
	return header
}

// write pads each cell to its column's width; colour goes around the padded result, so that it takes no width.
func (l layout) write(b *strings.Builder, r row, colour string) {
	var line strings.Builder
	for i, cell := range r {
		if l[i] == 0 {
			continue
		}
		padding := strings.Repeat(" ", l[i]-utf8.RuneCountInString(cell)+2)
		if i == resultColumn && colour != "" {
			cell = colour + cell + reset
		}
		line.WriteString(cell + padding)
	}
	b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
}

// paint returns the colour of an outcome; none unless asked for.
func paint(o imagepull.Outcome, colour bool) string {
	if !colour {
		return ""
	}
	switch o {
	case imagepull.Pullable:
		return green
	case imagepull.Unpullable:
		return red
	case imagepull.Indeterminate:
	}
	return yellow
}
