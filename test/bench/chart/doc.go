// Package chart draws bar and line charts as SVG. The output is plain text, the same for the same numbers, and
// readable on light and dark backgrounds.
//
//	svg := chart.Bars("Reviews per second", "1/s", []chart.Bar{{Label: "pullgate", Value: 4000}})
package chart
