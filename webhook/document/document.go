// Package document takes manifests apart: the documents of a YAML or JSON stream, and the items of a List.
//
// Whoever wrote a file wants to be told the line of a mistake, while the parser's own words may quote the file, and files
// hold secrets. So each document knows its line, and errors are a line and a few words of our own.
package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"sigs.k8s.io/yaml"
)

// Document is one document of a stream.
type Document struct {
	// Line is where the document's text begins, counted from 1.
	Line int
	// Raw is the text as it stands in the file.
	Raw []byte
	// JSON is the text converted; what is JSON already stays as it is, to the byte.
	JSON []byte
}

// Split returns the documents of a stream without the empty ones: JSON values one after the other, or YAML documents
// between lines of "---". In YAML a key that stands twice in a mapping is an error. JSON is not looked into so closely,
// since some of it is read by nodes, which take the last.
func Split(data []byte) ([]Document, error) {
	documents, ok := splitJSON(data)
	if !ok {
		documents = cut(data)
		for i := range documents {
			if err := documents[i].parse(); err != nil {
				return nil, err
			}
		}
	}
	return slices.DeleteFunc(documents, Document.isEmpty), nil
}

func (d Document) isEmpty() bool { return string(bytes.TrimSpace(d.JSON)) == "null" }

// splitJSON reads a stream of JSON values; not ok means that it is none, or a broken one.
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

// cut splits a file at the lines that begin with "---" or "...". Within a document YAML allows no such line.
func cut(data []byte) []Document {
	documents := []Document{{Line: 1}}
	number := 0
	// Editors on Windows begin a file with a byte order mark.
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

// cutMarker returns what follows a marker on its line. kubectl takes nothing there but a comment; YAML allows the document
// itself after "---", and other tools read it.
func cutMarker(line []byte) (rest []byte, ok bool) {
	for _, marker := range []string{"---", "..."} {
		rest, ok = bytes.CutPrefix(line, []byte(marker))
		if ok && (len(rest) == 0 || bytes.ContainsAny(rest[:1], " \t\r\n")) {
			return rest, true
		}
	}
	return nil, false
}

// trim takes the blank lines off the beginning, so that the document's line is that of its text.
func (d *Document) trim() {
	blank := d.Raw[:len(d.Raw)-len(bytes.TrimLeft(d.Raw, " \t\r\n"))]
	d.Line += bytes.Count(blank, []byte("\n"))
	d.Raw = d.Raw[bytes.LastIndexByte(blank, '\n')+1:]
}

// parse fills in the document as JSON.
func (d *Document) parse() (err error) {
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
		return d.explain(err)
	}
	return nil
}

// isFlow reports whether the document is written in braces or brackets.
func (d *Document) isFlow() bool {
	for line := range bytes.Lines(d.Raw) {
		if line = bytes.TrimSpace(line); len(line) > 0 && line[0] != '#' {
			return line[0] == '{' || line[0] == '['
		}
	}
	return false
}

var errTrailing = errors.New("text after the end of the document")

// flowToJSON reads a document in braces or brackets as the one item of a list. By itself the YAML library would stop at the
// closing brace and forget what follows, such as the rest of a broken stream of JSON.
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
