package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// maxCell bounds each cell of the table in characters. The formats for machines hold the image in full.
const maxCell = 80

// The ANSI sequences of a terminal.
const (
	green  = "\x1b[32m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// resultTitle is the title of the coloured column.
const resultTitle = "RESULT"

// WriteTable writes the report for a person: one row for each image, its fix and warnings indented below, and a summary at
// the end. It leaves out columns without content. Colours are for terminals.
func WriteTable(w io.Writer, r Report, colour bool) error {
	if _, err := io.WriteString(w, r.table(colour)); err != nil {
		return fmt.Errorf("writing table: %w", err)
	}
	return nil
}

func (r Report) table(colour bool) string {
	var b strings.Builder
	if len(r.Entries) > 0 {
		rows := r.rows()
		result := strings.Index(rows[0], resultTitle)
		b.WriteString(rows[0] + "\n")
		for i, entry := range r.Entries {
			row := rows[i+1]
			if colour {
				row = paint(row, result, entry.Finding.Outcome())
			}
			b.WriteString(row + "\n")
			for _, line := range below(entry.Finding) {
				b.WriteString("    " + line + "\n")
			}
		}
		b.WriteString("\n")
	}
	for _, warning := range r.Warnings {
		b.WriteString("warning: " + printable(warning) + "\n")
	}
	b.WriteString(r.Summary().String() + "\n")
	return b.String()
}

// rows returns the header and the row of each entry, with aligned columns.
func (r Report) rows() []string {
	rows := [][]string{{"SOURCE", "OBJECT", "CONTAINER", "IMAGE", resultTitle, "CAUSE"}}
	isUsed := make([]bool, len(rows[0]))
	for _, entry := range r.Entries {
		cells := entry.cells()
		for i, cell := range cells {
			isUsed[i] = isUsed[i] || cell != ""
		}
		rows = append(rows, cells)
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, cells := range rows {
		var used []string
		for i, cell := range cells {
			if isUsed[i] {
				used = append(used, cell)
			}
		}
		_, _ = fmt.Fprintln(w, strings.Join(used, "\t"))
	}
	_ = w.Flush() // a strings.Builder returns no errors
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// cells returns the cells of one entry, in the order of the columns.
func (e Entry) cells() []string {
	object := ""
	if e.Object != nil {
		object = e.Object.String()
	}
	f := e.Finding
	return []string{
		cell(e.Source), cell(object), cell(container(f.Use)), cell(f.Image), f.Outcome().String(), causeCell(f.Verdict),
	}
}

// cell escapes and shortens text of other authors, so that it cannot control the terminal or push the columns apart.
func cell(s string) string { return cutMiddle(printable(s), maxCell) }

// container returns the container's name, and its kind if it is not an ordinary container.
func container(u imagepull.Use) string {
	if u.Kind == imagepull.Standalone || u.Kind == imagepull.Container {
		return u.Name
	}
	return u.Name + " (" + u.Kind.String() + ")"
}

// causeCell returns the reason and its detail. The reason Pullable would only repeat the result.
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

// below returns the lines below a row: the fix of an image that may fail, and every warning.
func below(f imagepull.Finding) []string {
	lines := warnings(f)
	if fix := fixOf(f.Verdict); fix != "" {
		lines = slices.Insert(lines, 0, "fix: "+fix)
	}
	return lines
}

// paint colours the outcome, which begins at a column of the row. The colour is added after the layout, because package
// tabwriter would count its characters.
func paint(row string, column int, o imagepull.Outcome) string {
	runes := []rune(row)
	end := column + len(o.String())
	return string(runes[:column]) + colourOf(o) + string(runes[column:end]) + reset + string(runes[end:])
}

func colourOf(o imagepull.Outcome) string {
	switch o {
	case imagepull.Pullable:
		return green
	case imagepull.Unpullable:
		return red
	case imagepull.Indeterminate:
	}
	return yellow
}
