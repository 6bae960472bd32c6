package chart

import (
	"fmt"
	"slices"
)

// Bar is a value with its range.
type Bar struct {
	Label            string
	Value, Low, High float64
}

// Bars draws one bar for each value.
func Bars(title, unit string, bars []Bar) string {
	var values []float64
	for _, b := range bars {
		values = append(values, b.Value, b.High)
	}
	f := newFrame(title, unit, slices.Max(append(values, 0)))
	slot := (width - left - right) / float64(max(len(bars), 1))
	for i, b := range bars {
		x, y := left+slot*(float64(i)+0.2), f.y(b.Value)
		fmt.Fprintf(&f.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n",
			x, y, slot*0.6, height-bottom-y, color(i))
		middle := left + slot*(float64(i)+0.5)
		if b.High > b.Low {
			fmt.Fprintf(&f.b, `<line class="spread" x1="%.1f" x2="%.1[1]f" y1="%.1f" y2="%.1f"/>`+"\n",
				middle, f.y(b.Low), f.y(b.High))
		}
		f.text(middle, min(y, f.y(b.High))-6, "middle", short(b.Value))
		f.text(middle, height-bottom+20, "middle", b.Label)
	}
	return f.String()
}

// short returns the value with its significant digits.
func short(value float64) string {
	if value >= 100 {
		return fmt.Sprintf("%.0f", value)
	}
	return fmt.Sprintf("%.3g", value)
}
