package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"
)

// document is one document of a YAML stream; a JSON file is a stream of one.
type document struct {
	// line is where the document's text begins, counted from 1.
	line      int
	raw, json []byte
}

// splitDocuments returns the documents of a file without the empty ones.
func splitDocuments(data []byte) ([]document, error) {
	var documents []document
	for _, d := range cut(data) {
		if err := d.parse(); err != nil {
			return nil, err
		}
		if !bytes.Equal(d.json, []byte("null")) {
			documents = append(documents, d)
		}
	}
	return documents, nil
}

// cut splits a file at the lines that begin with "---". Within a document YAML allows no such line.
func cut(data []byte) []document {
	marker := []byte("---")
	documents := []document{{line: 1}}
	number := 0
	for line := range bytes.Lines(data) {
		number++
		if rest, ok := bytes.CutPrefix(line, marker); ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			documents = append(documents, document{line: number})
			line = rest
		}
		last := &documents[len(documents)-1]
		last.raw = append(last.raw, line...)
	}
	for i := range documents {
		documents[i].trim()
	}
	return documents
}

// trim takes the blank lines off the beginning, so that the document's line is that of its text.
func (d *document) trim() {
	text := bytes.TrimLeft(d.raw, " \t\r\n")
	blank := d.raw[:len(d.raw)-len(text)]
	lines := bytes.Count(blank, []byte("\n"))
	d.line += lines
	d.raw = d.raw[bytes.LastIndexByte(blank, '\n')+1:]
}

// parse fills in the document as JSON. What is JSON already stays as it is, to the byte.
func (d *document) parse() error {
	if json.Valid(d.raw) {
		d.json = d.raw
		return nil
	}
	// Blank lines in front make the parser count as the file does.
	padded := append(bytes.Repeat([]byte("\n"), d.line-1), d.raw...)
	converted, err := yaml.YAMLToJSON(padded)
	if err != nil {
		return fmt.Errorf("near line %d: not valid YAML or JSON", d.brokenLine(err))
	}
	d.json = converted
	return nil
}

// brokenLine returns about where a document stops being YAML, or JSON if it begins like that. A parser's own text may
// quote the file, which holds secrets, so the number is all that is taken from it: the YAML parser tells it in no other
// way, and for some mistakes not at all or off by one.
func (d *document) brokenLine(err error) int {
	if bytes.HasPrefix(d.raw, []byte("{")) {
		if syntax, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(d.raw, &struct{}{})); ok {
			return d.line + bytes.Count(d.raw[:syntax.Offset], []byte("\n"))
		}
	}
	line := d.line
	if _, text, ok := strings.Cut(err.Error(), "line "); ok {
		_, _ = fmt.Sscanf(text, "%d", &line)
	}
	return line
}
