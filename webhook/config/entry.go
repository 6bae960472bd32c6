package config

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// entry is one key or list item of a file, with its path in the form of package field.
type entry struct {
	path string
	// key is nil for a list item.
	key, value *yaml.Node
	// isRepeated marks a key that its mapping already has.
	isRepeated bool
}

// entries returns every key and list item below a node, in the order of the file. It does not follow aliases: their targets are
// below the root too, and aliases of aliases can make the number of entries exponential.
func entries(node *yaml.Node, path *field.Path) []entry {
	var all []entry
	switch {
	case node == nil:
	case node.Kind == yaml.SequenceNode:
		for i, item := range node.Content {
			all = append(all, entry{path: path.Index(i).String(), value: item})
			all = append(all, entries(item, path.Index(i))...)
		}
	case node.Kind == yaml.MappingNode:
		seen := map[string]bool{}
		for pair := range slices.Chunk(node.Content, 2) {
			key, value := pair[0], pair[1]
			child := path.Child(key.Value)
			switch {
			case key.Tag == "!!merge":
				child = path
			case path.String() == "actions":
				child = path.Key(key.Value)
			}
			all = append(all, entry{child.String(), key, value, seen[key.Value]})
			seen[key.Value] = true
			all = append(all, entries(value, child)...)
		}
	}
	return all
}

func (e entry) line() int {
	if e.key != nil {
		return e.key.Line
	}
	return e.value.Line
}

// lineOf returns the line of the entry at a path, or of the nearest entry around it, or 0.
func lineOf(all []entry, path string) int {
	for path != "" {
		for _, e := range all {
			if e.path == path {
				return e.line()
			}
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

// pathOf returns the path of a key on a line, or the key alone if the line has it several times.
func pathOf(all []entry, line int, key string) string {
	path := ""
	for _, e := range all {
		if e.key == nil || e.key.Line != line || e.key.Value != key {
			continue
		}
		if path != "" {
			return key
		}
		path = e.path
	}
	return path
}

// undetected returns the mistakes that the library accepts, or does not always find. It skips empty items and keys, cuts off
// fractions, and takes numbers and booleans as text. It does not decode a mapping with repeated keys.
func undetected(all []entry) []mistake {
	var found []mistake
	for _, e := range all {
		value := e.value
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		text := ""
		switch {
		case e.key != nil && isNull(e.key):
			text = "a key must be text"
		case e.isRepeated:
			text = "repeated key: keep one"
		case e.key == nil && value.Kind == yaml.ScalarNode && value.ShortTag() != "!!str":
			text = "must be text: put it in quotes"
		case e.key != nil && slices.Contains(freeTexts(), e.key.Value) && slices.Contains(notText(), value.ShortTag()):
			text = "must be text: put it in quotes"
		case e.key != nil && slices.Contains(wholeNumbers(), e.key.Value) && isFraction(value):
			text = "must be a whole number, not " + value.Value
		}
		if text != "" {
			found = append(found, mistake{e.line(), e.path, text})
		}
	}
	return found
}

// freeTexts returns the keys whose values are paths of files or selectors. A number or true is more likely a mistake than a name.
// Validation rejects such a value of any other text.
func freeTexts() []string {
	return []string{"hostsDir", "dockerConfig", "config", "binDir", "podSelector"}
}

// notText returns the tags of scalars that are not text.
func notText() []string { return []string{"!!bool", "!!int", "!!float"} }

// wholeNumbers returns the keys whose values are integers.
func wholeNumbers() []string {
	return []string{"maxAttempts", "maxEntries", "perRegistry", "total", "usesPerObject", "manifestBytes", "maxReportedImages"}
}

func isFraction(node *yaml.Node) bool {
	var number float64
	return node.Decode(&number) == nil && number != math.Trunc(number)
}

func isNull(node *yaml.Node) bool { return node.ShortTag() == "!!null" }
