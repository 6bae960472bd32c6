// Package document splits YAML and JSON files into documents, and Lists into objects.
//
//	file ─ Split ─ documents, each with its line ─ Items ─ objects as JSON
//
// Manifests may contain secrets, and the errors of YAML and JSON parsers may quote them. The errors of this package contain
// a line number and a fixed text instead.
//
//	documents, err := document.Split(data)
//	objects, err := document.Items(documents[0])
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"sigs.k8s.io/yaml"
)

// Document is one document of a file.
type Document struct {
	// Line is the line where the document's text starts, counted from 1.
	Line int
	// Raw is the text as written in the file.
	Raw []byte
	// JSON is the text converted to JSON. A document that is JSON already is not changed by a byte.
	JSON []byte
}

// Split returns the documents of a file without the empty ones: JSON values one after the other, or YAML documents between
// lines of "---". A repeated key in a YAML mapping is an error. JSON is not checked for repeated keys: nodes read some of
// it, and take the last.
func Split(data []byte) ([]Document, error) {
	documents, ok := splitJSON(data)
	if !ok {
		documents = splitYAML(data)
		for i := range documents {
			if err := documents[i].convert(); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(documents, Document.isEmpty), nil
}

func (d Document) isEmpty() bool { return string(bytes.TrimSpace(d.JSON)) == "null" }

// splitJSON splits a stream of JSON values. It returns ok=false if the data is not such a stream.
func splitJSON(data []byte) (documents []Document, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	line, counted := 1, 0
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			return documents, len(documents) > 0
		}
		if err != nil {
			return nil, false
		}
		start := int(decoder.InputOffset()) - len(raw)
		line += bytes.Count(data[counted:start], []byte("\n"))
		counted = start
		documents = append(documents, Document{Line: line, Raw: raw, JSON: raw})
	}
}

// splitYAML splits a file at the lines that start with "---" or "...". YAML forbids such lines within a document.
func splitYAML(data []byte) []Document {
	documents := []Document{{Line: 1}}
	number := 0
	// Editors on Windows write a byte order mark at the start of a file.
	for line := range bytes.Lines(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		number++
		if rest, ok := cutMarker(line); ok {
			documents = append(documents, Document{Line: number})
			line = rest
		}
		last := &documents[len(documents)-1]
		last.Raw = append(last.Raw, line...)
	}
	for i := range documents {
		documents[i].trim()
	}
	return documents
}

// cutMarker returns the rest of a line after a document marker. kubectl accepts only a comment there. YAML allows the
// document itself after "---", and other tools read it.
func cutMarker(line []byte) (rest []byte, ok bool) {
	for _, marker := range []string{"---", "..."} {
		rest, ok = bytes.CutPrefix(line, []byte(marker))
		if ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			return rest, true
		}
	}
	return nil, false
}

// trim removes blank lines from the start, so that the document's line is the first line of its text.
func (d *Document) trim() {
	blank := d.Raw[:len(d.Raw)-len(bytes.TrimLeft(d.Raw, " \t\r\n"))]
	d.Line += bytes.Count(blank, []byte("\n"))
	d.Raw = d.Raw[bytes.LastIndexByte(blank, '\n')+1:]
}

// convert sets JSON from Raw.
func (d *Document) convert() (err error) {
	switch {
	case json.Valid(d.Raw):
		d.JSON = d.Raw
		return nil
	case d.isFlow():
		d.JSON, err = flowToJSON(d.Raw)
	default:
		d.JSON, err = yaml.YAMLToJSONStrict(d.Raw)
	}
	if err != nil {
		return d.syntaxError(err)
	}
	return nil
}

// isFlow reports whether the document starts with a brace or a bracket.
func (d *Document) isFlow() bool {
	for line := range bytes.Lines(d.Raw) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return line[0] == '{' || line[0] == '['
		}
	}
	return false
}

var errTrailing = errors.New("text after the end of the document")

// flowToJSON converts a document in braces or brackets as the only item of a list. Without the list, the YAML library
// would stop at the closing brace and ignore the rest, such as the rest of a broken stream of JSON.
func flowToJSON(raw []byte) ([]byte, error) {
	converted, err := yaml.YAMLToJSONStrict(slices.Concat([]byte("["), raw, []byte("\n]")))
	if err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if err := json.Unmarshal(converted, &list); err != nil || len(list) != 1 {
		return nil, errTrailing
	}
	return list[0], nil
}
