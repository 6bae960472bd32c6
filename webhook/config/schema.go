package config

import (
	_ "embed" // for default.yaml
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// defaultFile has every key with its default and a comment.
//
//go:embed default.yaml
var defaultFile []byte

// DefaultFile returns a configuration file with every key, its default and its description. It loads as Default.
func DefaultFile() []byte { return slices.Clone(defaultFile) }

// schema is a JSON schema, or a part of one.
type schema map[string]any

// Schema returns the JSON schema (draft 2020-12) of configuration files, for editors. Types come from Configuration, and descriptions
// from the comments of DefaultFile. Load checks more: a schema cannot compare two keys or two durations.
func Schema() ([]byte, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(defaultFile, &document); err != nil {
		return nil, fmt.Errorf("reading the default configuration: %w", err)
	}
	s := schemas{descriptions: descriptions(document.Content[0], ""), limits: limits()}
	root := s.ofStruct(reflect.ValueOf(Default()), "")
	root["type"] = []any{"object", "null"} // an empty file has the defaults
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "Configuration of Pullgate, " + APIVersion
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the schema: %w", err)
	}
	return append(text, '\n'), nil
}

// descriptions returns the comment of each key, by its path.
func descriptions(mapping *yaml.Node, prefix string) map[string]string {
	all := map[string]string{}
	for pair := range slices.Chunk(mapping.Content, 2) {
		path := prefix + pair[0].Value
		var lines []string
		for line := range strings.Lines(pair[0].HeadComment) {
			lines = append(lines, strings.TrimSpace(strings.TrimPrefix(line, "#")))
		}
		all[path] = strings.Join(lines, " ")
		if pair[1].Kind == yaml.MappingNode {
			maps.Copy(all, descriptions(pair[1], path+"."))
		}
	}
	return all
}

// schemas makes the schema of each key.
type schemas struct {
	// descriptions and limits have the paths of keys. The limits of list items are at the path of the list with "[]".
	descriptions map[string]string
	limits       map[string]schema
}

// of returns the schema of a key with its default. A key without a value keeps its default, so that null is valid.
func (s schemas) of(value reflect.Value, path string) schema {
	var all schema
	switch _, isDuration := value.Interface().(time.Duration); {
	case isDuration:
		all = schema{"type": "string", "pattern": durationPattern, "default": value.Interface().(time.Duration).String()}
	case value.Kind() == reflect.Struct:
		all = s.ofStruct(value, path+".")
	case value.Kind() == reflect.Slice:
		all = schema{"type": "array", "items": s.ofItem(value.Type().Elem(), path+"[]"), "default": value.Interface()}
	case value.Kind() == reflect.Map:
		all = schema{"type": "object", "properties": actionsOfReasons(), "additionalProperties": false, "default": value.Interface()}
	default:
		types := map[reflect.Kind]string{
			reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer", reflect.Float64: "number",
		}
		all = schema{"type": types[value.Kind()], "default": value.Interface()}
	}
	maps.Copy(all, s.limits[path])
	all["type"] = []any{all["type"], "null"}
	if values, ok := all["enum"].([]any); ok {
		all["enum"] = append(values, nil)
	}
	if text := s.descriptions[path]; text != "" {
		all["description"] = text
	}
	return all
}

// ofStruct returns the schema of a mapping with the keys of a struct.
func (s schemas) ofStruct(value reflect.Value, prefix string) schema {
	properties := schema{}
	for i := range value.NumField() {
		key := value.Type().Field(i).Tag.Get("yaml")
		properties[key] = s.of(value.Field(i), prefix+key)
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": false}
}

// ofItem returns the schema of the items of a list. They have no default.
func (s schemas) ofItem(item reflect.Type, path string) schema {
	if item.Kind() == reflect.String {
		all := schema{"type": "string"}
		maps.Copy(all, s.limits[path])
		return all
	}
	properties, required := schema{}, []string{}
	for field := range item.Fields() {
		key := field.Tag.Get("yaml")
		properties[key] = s.ofItem(field.Type, path+"."+key)
		required = append(required, key)
	}
	return schema{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
}

// actionsOfReasons returns the schema of the keys of actions.
func actionsOfReasons() schema {
	properties := schema{}
	for _, reason := range imagepull.Reasons() {
		actions := policy.Actions()
		if reason.Outcome() == imagepull.Pullable {
			actions = slices.DeleteFunc(actions, func(a policy.Action) bool { return a == policy.ActionDeny })
		}
		properties[string(reason)] = oneOfTexts(actions...)
	}
	return properties
}

const (
	// durationPattern matches what time.ParseDuration accepts, without a sign.
	durationPattern = `^(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`
	// These match all that package hostpattern accepts, and more.
	hostPattern   = `^[A-Za-z0-9*.:\[\]-]+$`
	targetPattern = `^[A-Za-z0-9*.:\[\]-]+(/[0-9]+)?$`
	namePattern   = `^[A-Za-z0-9.:\[\]-]+$`
)

// limits returns the limits that a schema can express, as validate checks them.
func limits() map[string]schema {
	least := func(n int) schema { return schema{"minimum": n} }
	pattern := func(text string) schema { return schema{"pattern": text} }
	label := `[a-z0-9]([-a-z0-9]*[a-z0-9])?`
	return map[string]schema{
		"apiVersion":                      oneOfTexts(APIVersion),
		"kind":                            oneOfTexts(Kind),
		"defaultMode":                     oneOfTexts(policy.Modes()...),
		"exemptions.usernames[]":          pattern(`\S`),
		"exemptions.groups[]":             pattern(`\S`),
		"exemptions.namespaces[]":         {"pattern": "^" + label + "$", "maxLength": 63},
		"exemptions.runtimeClasses[]":     {"pattern": "^" + label + `(\.` + label + ")*$", "maxLength": 253},
		"retry.factor":                    least(1),
		"retry.jitter":                    {"minimum": 0, "maximum": 1},
		"retry.maxAttempts":               least(1),
		"backoff.factor":                  least(1),
		"cache.maxEntries":                least(1),
		"limits.perRegistry":              least(1),
		"limits.total":                    least(1),
		"limits.usesPerObject":            least(1),
		"limits.manifestBytes":            least(1),
		"nodes.runtime":                   oneOfTexts(imagepull.RuntimeContainerd, imagepull.RuntimeCRIO),
		"nodes.hostsDir":                  pattern(`^[^:]*$`),
		"nodes.credentialedRegistries[]":  pattern(hostPattern),
		"nodes.platforms[]":               pattern("^(" + strings.Join(systems(), "|") + ")/(" + strings.Join(architectures(), "|") + `)(/v[0-9]+(\.[0-9]+)?)?$`),
		"nodes.maxReportedImages":         least(-1),
		"nodes.verifyImages":              oneOfTexts(verifyImages()...),
		"egress.allow[]":                  pattern(targetPattern),
		"egress.deny[]":                   pattern(targetPattern),
		"egress.privateNetworks":          oneOfTexts(NetworkAllow, NetworkDeny),
		"egress.insecureRegistries[]":     pattern(hostPattern),
		"egress.tokenServices[].registry": pattern(hostPattern),
		"egress.tokenServices[].host":     pattern(namePattern),
		"skipRegistries[]":                pattern(hostPattern),
		"placeholders[]":                  pattern(`[^*\s]`),
	}
}

// oneOfTexts returns a schema with these values.
func oneOfTexts[T ~string](texts ...T) schema {
	values := make([]any, 0, len(texts))
	for _, text := range texts {
		values = append(values, string(text))
	}
	return schema{"enum": values}
}
