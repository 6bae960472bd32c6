package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/config"
)

// mistake is a file that breaks rules, and what its author is told.
type mistake struct{ data, want string }

func testMistakes(t *testing.T, tests map[string]mistake) {
	t.Helper()
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := config.Load([]byte(test.data))
			if err == nil {
				t.Fatalf("Load(%s) = no error, want %s", test.data, test.want)
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("error differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFormMistakes(t *testing.T) {
	t.Parallel()
	const notYAML = "this is not YAML: check indentation (spaces only), quotes and brackets around here"
	const notReadable = "this is not YAML that can be read: use keys and values of plain text, numbers, true and false only"
	testMistakes(t, map[string]mistake{
		"an open bracket": {
			data: "skipRegistries: [a\nkind: b\n",
			want: "line 1: " + notYAML,
		},
		"a tab": {
			data: "retry:\n\tfactor: 2\n",
			want: "line 2: " + notYAML,
		},
		"a control character": {
			data: "kind: \x00",
			want: notReadable,
		},
		"a key that is no text": {
			data: "~: 1",
			want: notReadable,
		},
		"a value that JSON lacks": {
			data: "retry: {factor: .nan}",
			want: notReadable,
		},
		"a list": {
			data: "- kind",
			want: `the file holds no keys: write lines such as "defaultMode: warn"`,
		},
		"a scalar": {
			data: "warn",
			want: `the file holds no keys: write lines such as "defaultMode: warn"`,
		},
		"a repeated key": {
			data: "kind: Configuration\nkind: Configuration\n",
			want: `line 2: key "kind" is repeated: keep one`,
		},
		"a second document": {
			data: "kind: Configuration\n---\nkind: Configuration\n",
			want: "line 2: a second YAML document: keep one configuration in a file",
		},
		"one after an empty first": {
			data: "---\n# none\n---\nkind: b\n",
			want: "line 3: a second YAML document: keep one configuration in a file",
		},
		"one on the marker's line": {
			data: "kind: Configuration\n--- {kind: b}\n",
			want: "line 2: a second YAML document: keep one configuration in a file",
		},
		"one after an end": {
			data: "kind: Configuration\n...\nkind: b\n",
			want: "line 2: a second YAML document: keep one configuration in a file",
		},
		"repeated keys, each once": {
			data: "retry:\n  factor: 2\n  factor: 3\nkind: a\nkind: b\n",
			want: "line 3: key \"factor\" is repeated: keep one\nline 5: key \"kind\" is repeated: keep one",
		},
	})
}

func TestKeyMistakes(t *testing.T) {
	t.Parallel()
	testMistakes(t, map[string]mistake{
		"an unknown key": {
			data: "retries: 2",
			want: "retries: Forbidden: unknown key (line 1): remove it or correct its name",
		},
		"one in a section": {
			data: "nodes:\n  # runtme\n  runtme: x\n",
			want: "nodes.runtme: Forbidden: unknown key (line 3): remove it or correct its name",
		},
		"one on a busy line": {
			data: "\nretry: {factor: 2, fctor: 2}",
			want: "retry.fctor: Forbidden: unknown key (line 2): remove it or correct its name",
		},
		"one in quotes": {
			data: `{"kined": "x"}`,
			want: "kined: Forbidden: unknown key (line 1): remove it or correct its name",
		},
		"one in another case": {
			data: "Retry: {factor: 2}",
			want: "Retry: Forbidden: unknown key (line 1): remove it or correct its name",
		},
		"one whose line is in doubt": {
			data: "factor: 2\nretry: {factor: 2}\n",
			want: "factor: Forbidden: unknown key: remove it or correct its name",
		},
		"one that YAML reads as true": {
			data: "on: 1",
			want: "true: Forbidden: unknown key: remove it or correct its name",
		},
		"several, and a value": {
			data: "x: 1\nretry: {tries: 1, maxAttempts: 0}\n",
			want: "retry.tries: Forbidden: unknown key (line 2): remove it or correct its name\n" +
				"x: Forbidden: unknown key (line 1): remove it or correct its name\n" +
				"retry.maxAttempts: Invalid value: 0: must be at least 1",
		},
	})
}

func TestTypeMistakes(t *testing.T) {
	t.Parallel()
	testMistakes(t, map[string]mistake{
		"a number for a duration": {
			data: "timeouts: {request: 5}",
			want: `timeouts.request: Invalid value: 5: must be a duration such as "50ms" or "1m30s"`,
		},
		"text that is no duration": {
			data: "timeouts: {request: soon}",
			want: `timeouts.request: Invalid value: "soon": must be a duration such as "50ms" or "1m30s"`,
		},
		"a mapping for a duration": {
			data: "timeouts: {request: {s: 5}}",
			want: `timeouts.request: Invalid value: {"s":5}: must be a duration such as "50ms" or "1m30s"`,
		},
		"text for a whole number": {
			data: "limits: {usesPerObject: many}",
			want: `limits.usesPerObject: Invalid value: "many": must be a whole number`,
		},
		"a fraction of a whole number": {
			data: "limits: {usesPerObject: 1.5}",
			want: "limits.usesPerObject: Invalid value: 1.5: must be a whole number",
		},
		"too large a whole number": {
			data: "limits: {manifestBytes: 9223372036854775808}",
			want: "limits.manifestBytes: Invalid value: 9223372036854775808: must be a whole number",
		},
		"text for a number": {
			data: "retry: {factor: twice}",
			want: `retry.factor: Invalid value: "twice": must be a number`,
		},
		"text for a truth": {
			data: `nodes: {watch: "yes"}`,
			want: `nodes.watch: Invalid value: "yes": must be true or false`,
		},
		"a number for a truth": {
			data: "suggestions: 1",
			want: "suggestions: Invalid value: 1: must be true or false",
		},
		"a word for a truth": {
			data: "deep: layers",
			want: `deep: Invalid value: "layers": must be true or false`,
		},
		"a truth for a number": {
			data: "retry: {factor: true}",
			want: "retry.factor: Invalid value: true: must be a number",
		},
		"a number for text": {
			data: "skipRegistries: [1.5]",
			want: "skipRegistries[0]: Invalid value: 1.5: must be text: put it in quotes",
		},
		"a truth for text": {
			data: "defaultMode: on",
			want: "defaultMode: Invalid value: true: must be text: put it in quotes",
		},
		"nothing in a list": {
			data: "skipRegistries: [~]",
			want: "skipRegistries[0]: Invalid value: null: must be text: put it in quotes",
		},
		"nothing for an action": {
			data: "actions: {NotFound: }",
			want: "actions[NotFound]: Invalid value: null: must be text: put it in quotes",
		},
		"text for a list": {
			data: "skipRegistries: a",
			want: `skipRegistries: Invalid value: "a": must be a list`,
		},
		"a mapping for a list": {
			data: "egress: {allow: {a: b}}",
			want: `egress.allow: Invalid value: {"a":"b"}: must be a list`,
		},
		"a list for a section": {
			data: "retry: [2]",
			want: "retry: Invalid value: [2]: must be a mapping of keys to values",
		},
		"text for a map": {
			data: "actions: deny",
			want: `actions: Invalid value: "deny": must be a mapping of keys to values`,
		},
		"several, each on its line, and no values": {
			data: "retry: {maxAttempts: 0}\nsuggestions: maybe\nnodes: {watch: 2}\n",
			want: "nodes.watch: Invalid value: 2: must be true or false\n" +
				`suggestions: Invalid value: "maybe": must be true or false`,
		},
	})
}
