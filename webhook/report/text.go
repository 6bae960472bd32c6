package report

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const ellipsis = "…"

// escape escapes control characters, invisible characters, invalid UTF-8 and quotes, for text inside quotes.
func escape(s string) string {
	quoted := strconv.Quote(s)
	return quoted[1 : len(quoted)-1]
}

// printable escapes what escape does, except quotes and backslashes. It is for text of Pullgate, which may quote an object.
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

// Bounded returns a text as printable characters, at most 256 of them, for a warning or an annotation.
func Bounded(s string) string { return cutMiddle(printable(s), maxWarning) }
