package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"sigs.k8s.io/yaml"
)

// The YAML library tells places in the text of its errors alone.
var (
	repeatedKey = regexp.MustCompile(`line (\d+): key (".*") already set in map`)
	failedLine  = regexp.MustCompile(`line (\d+): `)
)

// parse reads the one document of a file; that of an empty file is empty.
func parse(data []byte) (map[string]any, error) {
	if line := secondDocument(data); line > 0 {
		return nil, fmt.Errorf("line %d: a second YAML document: keep one configuration in a file", line)
	}
	var document any
	if err := yaml.UnmarshalStrict(data, &document, exactNumbers); err != nil {
		return nil, explain(err)
	}
	switch document := document.(type) {
	case nil:
		return map[string]any{}, nil
	case map[string]any:
		unquoteOff(document)
		return document, nil
	}
	return nil, errors.New(`the file holds no keys: write lines such as "defaultMode: warn"`)
}

// exactNumbers keeps whole numbers apart from others, and large ones exact.
func exactNumbers(decoder *json.Decoder) *json.Decoder {
	decoder.UseNumber()
	return decoder
}

// unquoteOff undoes what YAML 1.1 does to one of our modes: a bare off is read as false.
func unquoteOff(document map[string]any) {
	if mode, ok := document["defaultMode"].(bool); ok && !mode {
		document["defaultMode"] = "off"
	}
}

// secondDocument returns the line of the marker between two documents; zero when there is but one. The YAML library
// would drop the second without a word.
func secondDocument(data []byte) int {
	started, end := false, 0
	for i, line := range strings.Split(string(data), "\n") {
		rest, isMarker := cutMarker(line)
		if isMarker && started && end == 0 {
			end = i + 1
		}
		if holdsContent(rest) && end > 0 {
			return end
		}
		started = started || isMarker || holdsContent(rest)
	}
	return 0
}

// cutMarker returns the line without a document marker, and whether there was one.
func cutMarker(line string) (string, bool) {
	for _, marker := range []string{"---", "..."} {
		rest, found := strings.CutPrefix(line, marker)
		if found && (rest == "" || strings.ContainsAny(rest[:1], " \t\r")) {
			return rest, true
		}
	}
	return line, false
}

// holdsContent tells keys and values from blanks, comments and directives.
func holdsContent(line string) bool {
	line = strings.TrimSpace(line)
	return line != "" && !strings.ContainsAny(line[:1], "#%")
}

// explain says in our words why a file is no YAML. Repeated keys are listed in full, the rest ends at the first mistake.
func explain(err error) error {
	var all []error
	for _, match := range repeatedKey.FindAllStringSubmatch(err.Error(), -1) {
		all = append(all, fmt.Errorf("line %s: key %s is repeated: keep one", match[1], match[2]))
	}
	if len(all) > 0 {
		return errors.Join(all...)
	}
	if match := failedLine.FindStringSubmatch(err.Error()); match != nil {
		return fmt.Errorf("line %s: this is not YAML: check indentation (spaces only), quotes and brackets around here", match[1])
	}
	return errors.New("this is not YAML that can be read: use keys and values of plain text, numbers, true and false only")
}
