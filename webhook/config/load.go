package config

import (
	"errors"
	"reflect"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Load reads a configuration file, YAML or JSON. What the file leaves out has its default.
//
// The error holds everything that is wrong with the file, one mistake a line, in words for the person who wrote it. Each
// step needs the one before: a file is judged by its keys and types once it is YAML, and by its values once all types fit.
func Load(data []byte) (Configuration, error) {
	document, err := parse(data)
	if err != nil {
		return Configuration{}, err
	}
	configuration := Default()
	d := decoder{source: data}
	d.decode(document, reflect.ValueOf(&configuration).Elem(), nil)
	if !d.mistyped {
		d.problems = append(d.problems, validate(configuration)...)
	}
	if err := join(d.problems); err != nil {
		return Configuration{}, err
	}
	return configuration, nil
}

// Validate returns everything that is wrong with a configuration that was changed after it was loaded, in the words of Load.
func (c Configuration) Validate() error { return join(validate(c)) }

// join puts each problem on a line of its own, where field.ErrorList would put all into one.
func join(problems field.ErrorList) error {
	all := make([]error, 0, len(problems))
	for _, problem := range problems {
		all = append(all, problem)
	}
	return errors.Join(all...)
}
