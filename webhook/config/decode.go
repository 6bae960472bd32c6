package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse returns the root of the one document of a file, or nil if the file is empty.
func parse(data []byte) (*yaml.Node, error) {
	var root *yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for first := true; ; first = false {
		var document yaml.Node
		err := decoder.Decode(&document)
		switch {
		case errors.Is(err, io.EOF):
			return root, nil
		case err != nil:
			return nil, syntaxError(err)
		case isNull(document.Content[0]):
			continue
		case !first:
			return nil, fmt.Errorf("line %d: a second YAML document: keep one configuration in a file", document.Content[0].Line)
		}
		if root = document.Content[0]; root.Kind != yaml.MappingNode {
			return nil, fmt.Errorf(`line %d: the file holds no keys: write lines such as "defaultMode: warn"`, root.Line)
		}
	}
}

// decode sets the keys of a file in c and returns the mistakes in keys and types. It reports in typed whether every value has
// the type of its key.
func decode(data []byte, all []entry, c *Configuration) (found []mistake, typed bool) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	err := decoder.Decode(c)
	keepDefaults(c)
	if err == nil || errors.Is(err, io.EOF) {
		return nil, true
	}
	var mistyped *yaml.TypeError
	if !errors.As(err, &mistyped) {
		return []mistake{{text: syntaxError(err).Error()}}, false
	}
	typed = true
	for _, text := range mistyped.Errors {
		if m, isType := reword(text, all); m.text != "" {
			found = append(found, m)
			typed = typed && !isType
		}
	}
	return found, typed
}

// keepDefaults restores the default of a list or map whose key has no value. The library sets it to nil.
func keepDefaults(c *Configuration) {
	d := Default()
	if c.Actions == nil {
		c.Actions = d.Actions
	}
	for list, value := range map[*[]string][]string{
		&c.Exemptions.Usernames:         d.Exemptions.Usernames,
		&c.Exemptions.Groups:            d.Exemptions.Groups,
		&c.Exemptions.Namespaces:        d.Exemptions.Namespaces,
		&c.Exemptions.RuntimeClasses:    d.Exemptions.RuntimeClasses,
		&c.Nodes.CredentialedRegistries: d.Nodes.CredentialedRegistries,
		&c.Nodes.Platforms:              d.Nodes.Platforms,
		&c.Egress.Allow:                 d.Egress.Allow,
		&c.Egress.Deny:                  d.Egress.Deny,
		&c.Egress.InsecureRegistries:    d.Egress.InsecureRegistries,
		&c.SkipRegistries:               d.SkipRegistries,
		&c.Placeholders:                 d.Placeholders,
	} {
		if *list == nil {
			*list = value
		}
	}
	if c.Egress.TokenServices == nil {
		c.Egress.TokenServices = d.Egress.TokenServices
	}
}

// The library has texts only for its mistakes (yaml/v3: decode.go, terror, mapping and mappingStruct).
var (
	lineText    = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)
	unknownKey  = regexp.MustCompile(`(?s)^field (.*) not found in type \S+$`)
	repeatedKey = regexp.MustCompile(`(?s)^mapping key ".*" already defined at line \d+$`)
	wrongType   = regexp.MustCompile("(?s)^cannot unmarshal (!!\\w+)(?: `(.*)`)? into (\\S+)$")
)

// cutLine splits a text of the library into its line, or 0, and the rest.
func cutLine(text string) (line int, rest string) {
	match := lineText.FindStringSubmatch(text)
	if match == nil {
		return 0, text
	}
	line, _ = strconv.Atoi(match[1])
	return line, text[len(match[0]):]
}

// syntaxError replaces the parser's terms in an error of the library.
func syntaxError(err error) error {
	const text = "not valid YAML: check indentation (spaces only), quotes and brackets"
	line, detail := cutLine(err.Error())
	switch {
	case line > 0 && strings.Contains(detail, "expected <document start>"):
		// The parser counts the lines of its errors from 0, the scanner from 1 (yaml/v3: decode.go, fail).
		return fmt.Errorf("line %d: text after the end of the document: keep one configuration in a file", line+1)
	case line > 0:
		return fmt.Errorf("line %d: %s around here", line, text)
	}
	return errors.New(text)
}

// reword replaces the Go types in a text of the library. It reports whether a value has the wrong type. The mistake is empty for
// a repeated key, which undetected returns.
func reword(text string, all []entry) (m mistake, isType bool) {
	line, text := cutLine(text)
	if match := unknownKey.FindStringSubmatch(text); match != nil {
		return mistake{line, pathOf(all, line, match[1]), "unknown key: remove it or correct its name"}, false
	}
	if repeatedKey.MatchString(text) {
		return mistake{}, true
	}
	if match := wrongType.FindStringSubmatch(text); match != nil {
		value := map[string]string{"!!seq": "a list", "!!map": "a mapping", "!!str": strconv.Quote(match[2])}[match[1]]
		return mistake{line: line, text: "must be " + expected(match[3]) + ", not " + cmp.Or(value, match[2])}, true
	}
	return mistake{line: line, text: "not a valid value"}, true
}

// expected describes the values that a Go type of a Configuration accepts.
func expected(goType string) string {
	switch goType {
	case "bool":
		return "true or false"
	case "int", "int64":
		return "a whole number"
	case "float64":
		return "a number"
	case "time.Duration":
		return `a duration such as "50ms" or "1m30s"`
	case "[]string", "[]config.TokenService":
		return "a list"
	case "string", "policy.Mode", "policy.Action", "imagepull.Reason", "imagepull.Runtime", "imagepull.VerifyImages", "config.NetworkAccess":
		return "text"
	}
	return "a mapping of keys to values"
}
