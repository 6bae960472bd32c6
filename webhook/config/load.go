package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Load decodes a configuration file, YAML or JSON. A key that the file leaves out keeps its default.
//
// The error holds every mistake in the file, each on a line of its own and with its line number. The syntax is checked
// first, then keys and types, and the values only if all types fit.
func Load(data []byte) (Configuration, error) {
	root, err := parse(data)
	if err != nil {
		return Configuration{}, err
	}
	all, c := entries(root, nil), Default()
	found, typed := decode(data, all, &c)
	if hidden := undetected(all); len(hidden) > 0 {
		found, typed = append(found, hidden...), false
	}
	if typed {
		for _, problem := range validate(c) {
			found = append(found, mistake{lineOf(all, problem.Field), problem.Field, problem.ErrorBody()})
		}
	}
	if err := join(found); err != nil {
		return Configuration{}, err
	}
	return c, nil
}

// Validate returns every invalid value of a configuration that was changed after Load, in the words of Load.
func (c Configuration) Validate() error {
	var found []mistake
	for _, problem := range validate(c) {
		found = append(found, mistake{path: problem.Field, text: problem.ErrorBody()})
	}
	return join(found)
}

// mistake is one mistake in a file. Line and path are zero if they are not known.
type mistake struct {
	line       int
	path, text string
}

// Error returns a text such as "line 3: retry.factor: Invalid value: 0.5: must be at least 1".
func (m mistake) Error() string {
	text := m.text
	if m.path != "" {
		text = m.path + ": " + text
	}
	if m.line > 0 {
		text = fmt.Sprintf("line %d: %s", m.line, text)
	}
	return text
}

// join returns one error with each mistake on a line of its own, in the order of the file.
func join(found []mistake) error {
	slices.SortStableFunc(found, func(a, b mistake) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, m := range slices.Compact(found) {
		all = append(all, m)
	}
	return errors.Join(all...)
}
