package monitoring

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// series is one line of a panel: a value for each step, or NaN for a step without one.
type series struct {
	name   string
	values []float64
}

// The measures of the picture, in its own unit.
const (
	columnWidth, rowHeight = 40.0, 20.0
	gap                    = 8.0
	plotLeft, plotTop      = 46.0, 34.0
	plotRight              = 10.0
	footHeight             = 18.0
	lineHeight             = 12.0
	charWidth              = 5.8
	legendMark             = 12.0
)

// pictureStyle supports light and dark backgrounds. The colors of the lines can be distinguished with color blindness (Okabe and Ito).
const pictureStyle = `<style>text{font:10px system-ui,sans-serif;fill:#24292f}.t{font-weight:600;font-size:11px}.v{font-size:20px;font-weight:600}` +
	`.p{fill:none;stroke:#8886}.g{stroke:#8884}.l{fill:none;stroke-width:1.5}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>`

func lineColor(i int) string {
	colors := []string{"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999", "#b8a800"}
	return colors[i%len(colors)]
}

// picture draws the panels of a dashboard at their positions, with the answers to their queries by the ID of the panel.
func picture(d dashboard, answers map[int][]series, step time.Duration) string {
	bottom := 0
	for _, p := range d.Panels {
		bottom = max(bottom, p.GridPos.Y+p.GridPos.H)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">%s`+"\n",
		24*columnWidth, float64(bottom)*rowHeight, escape(d.Title+": the dashboard"), pictureStyle)
	for _, p := range d.Panels {
		f := frame{
			Builder: &b, x: float64(p.GridPos.X)*columnWidth + gap/2, y: float64(p.GridPos.Y)*rowHeight + gap/2,
			w: float64(p.GridPos.W)*columnWidth - gap, h: float64(p.GridPos.H)*rowHeight - gap, unit: p.FieldConfig.Defaults.Unit,
		}
		fmt.Fprintf(&b, `<rect class="p" x="%g" y="%g" width="%g" height="%g" rx="4"/>`+"\n", f.x, f.y, f.w, f.h)
		f.text("t", f.x+gap, f.y+16, "start", p.Title)
		if p.Type == "stat" {
			f.values(answers[p.ID])
		} else {
			f.lines(answers[p.ID], step)
		}
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// frame is the area of one panel.
type frame struct {
	*strings.Builder
	x, y, w, h float64
	unit       string
}

func (f frame) text(class string, x, y float64, anchor, text string) {
	fmt.Fprintf(f, `<text class="%s" x="%.0f" y="%.0f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, escape(text))
}

// values shows the last value of each series.
func (f frame) values(all []series) {
	slot := (f.w - 2*gap) / float64(max(len(all), 1))
	for i, s := range all {
		x := f.x + gap + slot*float64(i)
		f.text("v", x, f.y+44, "start", format(lastValue(s.values), f.unit))
		f.text("", x, f.y+60, "start", shorten(s.name, slot))
	}
}

// lastValue returns the last value that is not missing, as Grafana does.
func lastValue(values []float64) float64 {
	for _, v := range slices.Backward(values) {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}

// lines draws the series over the time since the first step.
func (f frame) lines(all []series, step time.Duration) {
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b series) int { return cmp.Compare(a.name, b.name) })
	rows := f.legend(all)
	left, right := f.x+plotLeft, f.x+f.w-plotRight
	top, base := f.y+plotTop, f.y+f.h-footHeight-float64(rows)*lineHeight
	highest := axisEnd(all, f.unit)
	for i := range 3 {
		part := float64(i) / 2
		y := base - part*(base-top)
		fmt.Fprintf(f, `<path class="g" d="M%.0f %.1fH%.0f"/>`+"\n", left, y, right)
		f.text("", left-4, y+3, "end", format(highest*part, f.unit))
	}
	steps := 0
	for _, s := range all {
		steps = max(steps, len(s.values)-1)
	}
	f.text("", left, base+12, "start", "0 s")
	f.text("", right, base+12, "end", fmt.Sprintf("%g s", (time.Duration(steps)*step).Seconds()))
	for i, s := range all {
		if path := pathOf(s.values, func(i int, v float64) (x, y float64) {
			return left + (right-left)*float64(i)/float64(max(steps, 1)), base - v/highest*(base-top)
		}); path != "" {
			fmt.Fprintf(f, `<path class="l" stroke="%s" d="%s"/>`+"\n", lineColor(i), path)
		}
	}
}

// legend draws the names at the bottom of the panel, and returns the number of their lines.
func (f frame) legend(all []series) (rows int) {
	type entry struct {
		row int
		x   float64
	}
	x, row := 0.0, 0
	entries := make([]entry, 0, len(all))
	for _, s := range all {
		width := legendMark + charWidth*float64(len(s.name)) + gap
		if x > 0 && x+width > f.w-2*gap {
			x, row = 0, row+1
		}
		entries = append(entries, entry{row, x})
		x += width
	}
	for i, e := range entries {
		y := f.y + f.h - 6 - float64(row-e.row)*lineHeight
		fmt.Fprintf(f, `<path stroke="%s" stroke-width="3" d="M%.0f %.0fh8"/>`+"\n", lineColor(i), f.x+gap+e.x, y-3)
		f.text("", f.x+gap+e.x+legendMark, y, "start", all[i].name)
	}
	return row + 1
}

// pathOf returns the path of a line. It has a gap where a value is missing. A point in the middle of a straight line is left out.
func pathOf(values []float64, at func(i int, v float64) (x, y float64)) string {
	var b strings.Builder
	pen := "M"
	for i, v := range values {
		if math.IsNaN(v) {
			pen = "M"
			continue
		}
		if pen == "L" && i+1 < len(values) && values[i-1] == v && values[i+1] == v {
			continue
		}
		x, y := at(i, v)
		fmt.Fprintf(&b, "%s%.0f %.1f", pen, x, y)
		if pen == "M" && (i+1 == len(values) || math.IsNaN(values[i+1])) {
			b.WriteString("h1") // one point alone
		}
		pen = "L"
	}
	return b.String()
}

// axisEnd returns a round number that no value exceeds.
func axisEnd(all []series, unit string) float64 {
	highest := 0.0
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) {
				highest = max(highest, v)
			}
		}
	}
	if highest == 0 {
		return 1
	}
	base := 10.0
	if unit == "bytes" {
		base = 1024
	}
	magnitude := math.Pow(base, math.Floor(math.Log(highest)/math.Log(base)))
	for _, n := range []float64{1, 2, 4, 6, 8, 10, 16, 32, 64, 128, 256, 512} {
		if highest <= n*magnitude {
			return n * magnitude
		}
	}
	return base * magnitude
}

// format returns a value with its unit, which is one of Grafana's.
func format(value float64, unit string) string {
	short := func(v float64) string { return fmt.Sprintf("%.3g", v) }
	switch {
	case math.IsNaN(value):
		return "–"
	case value == 0 && unit != "reqps" && unit != "cps":
		return "0"
	case unit == "percentunit":
		return short(100*value) + "%"
	case unit == "bytes" && value >= 1<<20:
		return short(value/(1<<20)) + " MiB"
	case unit == "bytes":
		return short(value/(1<<10)) + " KiB"
	case unit == "reqps", unit == "cps":
		return short(value) + "/s"
	case unit == "s" && value >= 48*3600:
		return fmt.Sprintf("%.0f days", value/(24*3600))
	case unit == "s" && value < 1:
		return short(1000*value) + " ms"
	case unit == "s":
		return short(value) + " s"
	case value >= 1000:
		return fmt.Sprintf("%.0f", value)
	}
	return short(value)
}

func shorten(text string, width float64) string {
	if most := int(width / charWidth); len(text) > most {
		return text[:max(most-1, 0)] + "…"
	}
	return text
}

func escape(text string) string {
	var b strings.Builder
	// Writing to a builder does not fail.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
