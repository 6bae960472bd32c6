package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
)

// The YAML library reports lines in the texts of its errors only.
var (
	repeatedKey = regexp.MustCompile(`line (\d{1,9}): key ".*" already set in map`)
	brokenLine  = regexp.MustCompile(`\bline (\d{1,9})`)
)

// syntaxError returns an error with the line of the mistake. For a document that starts as JSON, it is the line of the
// JSON error. The parser's own text is dropped, because it may quote the document.
func (d *Document) syntaxError(err error) error {
	if found := repeatedKey.FindStringSubmatch(err.Error()); found != nil {
		return fmt.Errorf("line %d: this key is repeated: keep one", d.line(found[1]))
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

// line converts a line number of the document, in digits, to one of the file.
func (d *Document) line(number string) int {
	n, _ := strconv.Atoi(number)
	return d.Line + n - 1
}
