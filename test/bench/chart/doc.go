// Package chart draws the two kinds of pictures that a benchmark needs, bars and lines, as SVG. They are plain text, the same
// for the same numbers, and readable on light and dark backgrounds.
package chart
