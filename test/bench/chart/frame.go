package chart

import (
	"encoding/xml"
	"fmt"
	"math"
	"strings"
)

const (
	width, height            = 720.0, 380.0
	left, right, top, bottom = 72.0, 24.0, 56.0, 64.0
)

// colors returns colors that people with color blindness can distinguish (Okabe and Ito).
func colors() []string {
	return []string{"#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"}
}

func color(i int) string { return colors()[i%len(colors())] }

// style supports light and dark backgrounds.
const style = `<style>text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-size:16px;font-weight:600}` +
	`.grid{stroke:#8884;stroke-width:1}.line{fill:none;stroke-width:2}.spread{stroke:#24292f;stroke-width:1.5}` +
	`@media(prefers-color-scheme:dark){text{fill:#e6edf3}.spread{stroke:#e6edf3}}</style>`

// frame is the common part of all charts: a title and a vertical axis from zero.
type frame struct {
	b       strings.Builder
	highest float64
}

func newFrame(title, unit string, highest float64) *frame {
	f := &frame{highest: roundUp(highest)}
	fmt.Fprintf(&f.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" role="img" aria-label="%s">%s`+"\n",
		width, height, escape(title), style)
	fmt.Fprintf(&f.b, `<text class="title" x="%g" y="24">%s</text>`+"\n", left, escape(title))
	const steps = 4
	for i := range steps + 1 {
		value := f.highest * float64(i) / steps
		fmt.Fprintf(&f.b, `<line class="grid" x1="%g" x2="%g" y1="%.1f" y2="%.1[3]f"/>`+"\n", left, width-right, f.y(value))
		f.text(left-8, f.y(value)+4, "end", fmt.Sprintf("%g", value))
	}
	f.text(left-8, top-14, "end", unit)
	return f
}

func (f *frame) String() string { return f.b.String() + "</svg>\n" }

// y returns the vertical position of a value.
func (f *frame) y(value float64) float64 {
	return height - bottom - value/f.highest*(height-top-bottom)
}

func (f *frame) text(x, y float64, anchor, text string) {
	fmt.Fprintf(&f.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, escape(text))
}

// roundUp returns the next number that divides well by four.
func roundUp(value float64) float64 {
	if value <= 0 {
		return 1
	}
	magnitude := math.Pow(10, math.Floor(math.Log10(value)))
	for _, step := range []float64{1, 2, 4, 8} {
		if value <= step*magnitude {
			return step * magnitude
		}
	}
	return 10 * magnitude
}

func escape(text string) string {
	var b strings.Builder
	// Writing to a builder does not fail.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
