package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const ellipsis = "…"

// escape writes foreign text so that no control character, invisible character or invalid UTF-8 gets through, nor a
// quote that would end the quotation around it.
func escape(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// printable is escape for text of our own. It leaves quotes and backslashes alone, which we place ourselves, and is there
// for what such text may quote of an object.
func printable(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1, !strconv.IsPrint(r):
			b.WriteString(escape(s[:size]))
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

// cutMiddle shortens s to at most n characters and keeps both of its ends.
func cutMiddle(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	head := (n - 1) / 2
	tail := n - 1 - head
	return string(runes[:head]) + ellipsis + string(runes[len(runes)-tail:])
}

// cutEnd shortens s to at most n characters.
func cutEnd(s string, n int) string {
	runes := []rune(s)
	if len(runes) <= n {
		return s
	}
	return string(runes[:n-1]) + ellipsis
}

// Bounded makes any text fit for a warning or annotation: printable, and at most 256 characters long.
func Bounded(s string) string { return cutMiddle(printable(s), longestWarning) }
