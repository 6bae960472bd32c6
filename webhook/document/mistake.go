package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// The YAML library tells places in the text of its errors alone.
var (
	repeatedKey = regexp.MustCompile(`line (\d{1,9}): key ".*" already set in map`)
	brokenLine  = regexp.MustCompile(`\bline (\d{1,9})`)
)

// explain says where the document stops being YAML, or JSON if it begins like that, and no more: the parser's own text may
// quote it.
func (d *Document) explain(err error) error {
	if found := repeatedKey.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("line %d: this key stands twice: keep one", d.line(found[1]))
	}
	return fmt.Errorf("near line %d: not valid YAML or JSON: check indentation, quotes and brackets", d.brokenLine(err))
}

func (d *Document) brokenLine(err error) int {
	if bytes.HasPrefix(d.Raw, []byte("{")) {
		if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.Raw, &struct{}{})); ok {
			return d.Line + bytes.Count(d.Raw[:syntax.Offset], []byte("\n"))
		}
	}
	if found := brokenLine.FindStringSubmatch(err.Error()); found != nil {
		return d.line(found[1])
	}
	return d.Line
}

// line turns a number in the document, of digits, into one in the file.
func (d *Document) line(number string) int {
	n, _ := strconv.Atoi(number)
	return d.Line + n - 1
}
