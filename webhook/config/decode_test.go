package config_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pullgate/pullgate/webhook/config"
)

func TestLoadRejectsSyntaxErrors(t *testing.T) {
	t.Parallel()
	const notYAML = "not valid YAML: check indentation (spaces only), quotes and brackets"
	const secondDocument = "a second YAML document: keep one configuration in a file"
	testInvalid(t, map[string]invalidFile{
		"an open bracket": {
			data: "skipRegistries: [a\nkind: b\n",
			want: "line 1: " + notYAML + " around here",
		},
		"a tab": {
			data: "retry:\n\tfactor: 2\n",
			want: "line 2: " + notYAML + " around here",
		},
		"a control character": {
			data: "kind: \x00",
			want: notYAML,
		},
		"an alias without an anchor": {
			data: "kind: *kind",
			want: notYAML,
		},
		"a merge of a scalar": {
			data: "retry: {<<: 5}",
			want: notYAML,
		},
		"a null key": {
			data: "~: 1",
			want: "line 1: ~: a key must be text",
		},
		"a mapping as a key": {
			data: "? {a: b}\n: 1",
			want: "line 1: must be text, not a mapping",
		},
		"not a number": {
			data: "retry: {factor: .nan}",
			want: "line 1: retry.factor: Invalid value: NaN: must be at least 1",
		},
		"infinity": {
			data: "backoff: {factor: .inf}",
			want: "line 1: backoff.factor: Invalid value: +Inf: must be a finite number",
		},
		"a list": {
			data: "- kind",
			want: `line 1: the file holds no keys: write lines such as "defaultMode: warn"`,
		},
		"a scalar": {
			data: "warn",
			want: `line 1: the file holds no keys: write lines such as "defaultMode: warn"`,
		},
		"a repeated key": {
			data: "kind: Configuration\nkind: Configuration\n",
			want: "line 2: kind: repeated key: keep one",
		},
		"a second document": {
			data: "kind: Configuration\n---\nkind: Configuration\n",
			want: "line 3: " + secondDocument,
		},
		"a second document after an empty first one": {
			data: "---\n# none\n---\nkind: b\n",
			want: "line 4: " + secondDocument,
		},
		"a second document on the marker's line": {
			data: "kind: Configuration\n--- {kind: b}\n",
			want: "line 2: " + secondDocument,
		},
		"a second document after an end marker": {
			data: "kind: Configuration\n...\nkind: b\n",
			want: "line 3: text after the end of the document: keep one configuration in a file",
		},
		"text after a document in braces": {
			data: "{kind: Configuration}\n{kind: b}\n",
			want: "line 2: text after the end of the document: keep one configuration in a file",
		},
		"several repeated keys, each once": {
			data: "retry:\n  factor: 2\n  factor: 3\nkind: a\nkind: b\n",
			want: "line 3: retry.factor: repeated key: keep one\nline 5: kind: repeated key: keep one",
		},
		"a repeated key and mistakes in other sections": {
			data: "retry: {factor: 2, factor: 3}\nnodes: {watch: 2}\nx: 1\n",
			want: "line 1: retry.factor: repeated key: keep one\n" +
				"line 2: must be true or false, not 2\n" +
				"line 3: x: unknown key: remove it or correct its name",
		},
		"a key that is repeated twice": {
			data: "retry:\n  factor: 2\n  factor: 3\n  factor: 4\n",
			want: "line 3: retry.factor: repeated key: keep one\nline 4: retry.factor: repeated key: keep one",
		},
	})
}

func TestLoadRejectsUnknownKeys(t *testing.T) {
	t.Parallel()
	testInvalid(t, map[string]invalidFile{
		"an unknown key": {
			data: "retries: 2",
			want: "line 1: retries: unknown key: remove it or correct its name",
		},
		"an unknown key in a section": {
			data: "nodes:\n  # runtme\n  runtme: x\n",
			want: "line 3: nodes.runtme: unknown key: remove it or correct its name",
		},
		"an unknown key among others on its line": {
			data: "\nretry: {factor: 2, fctor: 2}",
			want: "line 2: retry.fctor: unknown key: remove it or correct its name",
		},
		"an unknown key in quotes": {
			data: `{"kined": "x"}`,
			want: "line 1: kined: unknown key: remove it or correct its name",
		},
		"a key in another case": {
			data: "Retry: {factor: 2}",
			want: "line 1: Retry: unknown key: remove it or correct its name",
		},
		"a key in the wrong section": {
			data: "factor: 2\nretry: {factor: 2}\n",
			want: "line 1: factor: unknown key: remove it or correct its name",
		},
		"an unknown key that stands twice on its line": {
			data: "{retry: {x: 2}, backoff: {x: 2}}",
			want: "line 1: x: unknown key: remove it or correct its name",
		},
		"a key that YAML 1.1 reads as true": {
			data: "on: 1",
			want: "line 1: on: unknown key: remove it or correct its name",
		},
		"a key of a feature that does not exist yet": {
			data: "suggestions: true",
			want: "line 1: suggestions: unknown key: remove it or correct its name",
		},
		"several unknown keys and an invalid value": {
			data: "x: 1\nretry: {tries: 1, maxAttempts: 0}\n",
			want: "line 1: x: unknown key: remove it or correct its name\n" +
				"line 2: retry.tries: unknown key: remove it or correct its name\n" +
				"line 2: retry.maxAttempts: Invalid value: 0: must be at least 1",
		},
	})
}

func TestLoadRejectsWrongTypes(t *testing.T) {
	t.Parallel()
	testInvalid(t, map[string]invalidFile{
		"a number for a duration": {
			data: "timeouts: {request: 5}",
			want: `line 1: must be a duration such as "50ms" or "1m30s", not 5`,
		},
		"text that is not a duration": {
			data: "timeouts: {request: soon}",
			want: `line 1: must be a duration such as "50ms" or "1m30s", not "soon"`,
		},
		"a mapping for a duration": {
			data: "timeouts:\n  request: {s: 5}",
			want: `line 2: must be a duration such as "50ms" or "1m30s", not a mapping`,
		},
		"text for a whole number": {
			data: "limits: {usesPerObject: many}",
			want: `line 1: must be a whole number, not "many"`,
		},
		"a number for a path": {
			data: "nodes: {hostsDir: 5, dockerConfig: true}",
			want: "line 1: nodes.hostsDir: must be text: put it in quotes\n" +
				"line 1: nodes.dockerConfig: must be text: put it in quotes",
		},
		"a fraction for a whole number": {
			data: "limits: {usesPerObject: 1.5}",
			want: "line 1: limits.usesPerObject: must be a whole number, not 1.5",
		},
		"a whole number that is too large": {
			data: "limits: {manifestBytes: 9223372036854775808}",
			want: "line 1: must be a whole number, not 9223372...",
		},
		"text for a number": {
			data: "retry: {factor: twice}",
			want: `line 1: must be a number, not "twice"`,
		},
		"text in quotes for a truth value": {
			data: `nodes: {watch: "maybe"}`,
			want: `line 1: must be true or false, not "maybe"`,
		},
		"a number for a truth value": {
			data: "deep: 1",
			want: "line 1: must be true or false, not 1",
		},
		"a word for a truth value": {
			data: "deep: layers",
			want: `line 1: must be true or false, not "layers"`,
		},
		"a truth value for a number": {
			data: "retry: {factor: true}",
			want: "line 1: must be a number, not true",
		},
		"a number for text": {
			data: "skipRegistries: [1.5]",
			want: "line 1: skipRegistries[0]: must be text: put it in quotes",
		},
		"a truth value for text": {
			data: "defaultMode: on",
			want: `line 1: defaultMode: Unsupported value: "on": supported values: "enforce", "warn", "audit", "off"`,
		},
		"a list for text": {
			data: "nodes: {runtime: [containerd]}",
			want: "line 1: must be text, not a list",
		},
		"an empty list item": {
			data: "skipRegistries: [~]",
			want: "line 1: skipRegistries[0]: must be text: put it in quotes",
		},
		"an empty action": {
			data: "actions: {NotFound: }",
			want: `line 1: actions[NotFound]: Unsupported value: "": supported values: "deny", "warn", "allow"`,
		},
		"text for a list": {
			data: "skipRegistries: a",
			want: `line 1: must be a list, not "a"`,
		},
		"a mapping for a list": {
			data: "egress:\n  allow: {a: b}",
			want: "line 2: must be a list, not a mapping",
		},
		"a list for a section": {
			data: "retry:\n- 2",
			want: "line 2: must be a mapping of keys to values, not a list\nline 2: retry[0]: must be text: put it in quotes",
		},
		"text for a map": {
			data: "actions: deny",
			want: `line 1: must be a mapping of keys to values, not "deny"`,
		},
		"an alias of a value of another type": {
			data: "retry: {maxAttempts: &two 2}\nnodes: {watch: *two}\n",
			want: "line 1: must be true or false, not 2",
		},
		"several, in the order of their lines, without invalid values": {
			data: "retry: {maxAttempts: 0}\ndeep: maybe\nnodes: {watch: 2}\n",
			want: `line 2: must be true or false, not "maybe"` + "\n" +
				"line 3: must be true or false, not 2",
		},
	})
}

// TestErrorsNameNoGoType writes a value of each wrong shape for every key.
func TestErrorsNameNoGoType(t *testing.T) {
	t.Parallel()
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		for _, value := range []string{"text", "5", "[a]", "[{a: b}]", "{a: b}", "true"} {
			_, err := config.Load(f.file(value))
			if err == nil {
				continue
			}
			for _, word := range []string{"unmarshal", "type", "config.", "policy.", "imagepull.", "int", "string", "[]", "map["} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("Load(%s) = %v, want no %q in the text", f.file(value), err, word)
				}
			}
		}
	}
}

// The YAML library would cut the fraction off.
func TestNoWholeNumberTakesAFraction(t *testing.T) {
	t.Parallel()
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		if f.kind != reflect.TypeFor[int]() && f.kind != reflect.TypeFor[int64]() {
			continue
		}
		if _, err := config.Load(f.file("2.5")); err == nil || !strings.Contains(err.Error(), "must be a whole number, not 2.5") {
			t.Errorf("Load(%s) = %v, want an error", f.file("2.5"), err)
		}
	}
}

// The YAML library would take a number as text.
func TestNoTextTakesANumber(t *testing.T) {
	t.Parallel()
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		for _, value := range []string{"5", "2.5", "true"} {
			if _, err := config.Load(f.file(value)); f.kind.Kind() == reflect.String && err == nil {
				t.Errorf("Load(%s) = nil, want an error", f.file(value))
			}
		}
	}
}

// The YAML library would set lists and maps to nil.
func TestKeysWithoutAValueKeepTheirDefault(t *testing.T) {
	t.Parallel()
	for _, f := range fields(reflect.TypeFor[config.Configuration](), "") {
		got, err := config.Load(f.file(""))
		if err != nil || !reflect.DeepEqual(got, config.Default()) {
			t.Errorf("Load(%s) = %v, %v, want the default", f.file(""), got, err)
		}
	}
}

// keyOf is one key of the file with its type.
type keyOf struct {
	path string
	kind reflect.Type
}

// file returns a file that sets the key to a value.
func (k keyOf) file(value string) []byte {
	section, key, nested := strings.Cut(k.path, ".")
	switch {
	case !nested:
		return fmt.Appendf(nil, "%s: %s", section, value)
	case strings.Contains(key, "."):
		middle, key, _ := strings.Cut(key, ".")
		return fmt.Appendf(nil, "%s: {%s: {%s: %s}}", section, middle, key, value)
	}
	return fmt.Appendf(nil, "%s: {%s: %s}", section, key, value)
}

// fields returns every key below a type, sections included.
func fields(of reflect.Type, prefix string) []keyOf {
	var all []keyOf
	for i := range of.NumField() {
		f := of.Field(i)
		path := prefix + f.Tag.Get("yaml")
		all = append(all, keyOf{path, f.Type})
		if f.Type.Kind() == reflect.Struct && f.Type != reflect.TypeFor[time.Time]() {
			all = append(all, fields(f.Type, path+".")...)
		}
	}
	return all
}
