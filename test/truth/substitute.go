package truth

import (
	"fmt"
	"regexp"
	"strconv"
)

// pushed is what a registry or a scenario's manifest was given.
type pushed struct {
	digest string
	size   int
}

// placeholder is DIGEST(name) or SIZE(name).
var placeholder = regexp.MustCompile(`(DIGEST|SIZE)\(([^)]+)\)`)

// substitute puts in what the placeholders stand for.
func substitute(text string, known map[string]pushed) (string, error) {
	var err error
	filled := placeholder.ReplaceAllStringFunc(text, func(match string) string {
		parts := placeholder.FindStringSubmatch(match)
		p, ok := known[parts[2]]
		switch {
		case !ok:
			err = fmt.Errorf("%s: nothing was pushed as %q", match, parts[2])
		case parts[1] == "SIZE":
			return strconv.Itoa(p.size)
		}
		return p.digest
	})
	return filled, err
}
