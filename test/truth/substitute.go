package truth

import (
	"fmt"
	"regexp"
	"strconv"
)

// pushed is the digest and the size of pushed content.
type pushed struct {
	digest string
	size   int
}

// placeholder matches DIGEST(name) and SIZE(name).
var placeholder = regexp.MustCompile(`(DIGEST|SIZE)\(([^)]+)\)`)

// substitute replaces the placeholders.
func substitute(text string, known map[string]pushed) (string, error) {
	var err error
	filled := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := placeholder.FindStringSubmatch(match)
		p, ok := known[parts[2]]
		switch {
		case !ok:
			err = fmt.Errorf("%s: no content was pushed as %q", match, parts[2])
		case parts[1] == "SIZE":
			return strconv.Itoa(p.size)
		}
		return p.digest
	})
	return filled, err
}
