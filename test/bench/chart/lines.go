package chart

import (
	"fmt"
	"slices"
	"strings"
)

// Line is a series of values, one for each position on the horizontal axis.
type Line struct {
	Label  string
	Values []float64
}

// Lines draws the series over evenly spaced positions.
func Lines(title, unit string, places []string, lines []Line) string {
	var values []float64
	for _, l := range lines {
		values = append(values, l.Values...)
	}
	f := newFrame(title, unit, slices.Max(append(values, 0)))
	step := (width - left - right) / float64(max(len(places), 1))
	x := func(i int) float64 { return left + step*(float64(i)+0.5) }
	for i, place := range places {
		f.text(x(i), height-bottom+20, "middle", place)
	}
	for i, l := range lines {
		var points []string
		for j, value := range l.Values {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(j), f.y(value)))
			fmt.Fprintf(&f.b, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x(j), f.y(value), color(i))
		}
		fmt.Fprintf(&f.b, `<polyline class="line" stroke="%s" points="%s"/>`+"\n", color(i), strings.Join(points, " "))
		f.legend(i, len(lines), l.Label)
	}
	return f.String()
}

// legend draws the name of a series below the chart.
func (f *frame) legend(i, n int, label string) {
	at := left + (width-left-right)/float64(n)*float64(i)
	fmt.Fprintf(&f.b, `<rect x="%.1f" y="%g" width="12" height="12" fill="%s"/>`+"\n", at, height-28, color(i))
	f.text(at+18, height-17, "start", label)
}
