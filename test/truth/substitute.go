package truth

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
)

// pushed is pushed content.
type pushed struct {
	digest string
	body   []byte
}

// placeholder matches DIGEST(name), SIZE(name) and DATA(name).
var placeholder = regexp.MustCompile(`(DIGEST|SIZE|DATA)\(([^)]+)\)`)

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
			return strconv.Itoa(len(p.body))
		case parts[1] == "DATA":
			return base64.StdEncoding.EncodeToString(p.body)
		}
		return p.digest
	})
	return filled, err
}
