package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/document"
)

// split returns each document as "line: JSON".
func split(t *testing.T, data string) []string {
	t.Helper()
	documents, err := document.Split([]byte(data))
	if err != nil {
		t.Fatalf("Split() error = %v, want none", err)
	}
	var got []string
	for _, d := range documents {
		got = append(got, fmt.Sprintf("%d: %s", d.Line, d.JSON))
	}
	return got
}

func TestSplitYAML(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want []string
	}{
		"empty file":                        {"", nil},
		"blank lines only":                  {"\n \n\t\r\n", nil},
		"comments only":                     {"# nothing\n# here\n", nil},
		"markers only":                      {"---\n---\n...\n---", nil},
		"explicit null":                     {"null\n---\n~\n", nil},
		"one document":                      {"a: b\n", []string{`1: {"a":"b"}`}},
		"no final newline":                  {"a: b", []string{`1: {"a":"b"}`}},
		"leading marker":                    {"---\na: b\n", []string{`2: {"a":"b"}`}},
		"leading blank lines":               {"\n\na: b\n", []string{`3: {"a":"b"}`}},
		"two documents":                     {"a: b\n---\nc: d\n", []string{`1: {"a":"b"}`, `3: {"c":"d"}`}},
		"blank lines after the marker":      {"a: b\n---\n\n\nc: d\n", []string{`1: {"a":"b"}`, `5: {"c":"d"}`}},
		"empty documents in between":        {"a: b\n---\n---\n# none\n---\nc: d\n", []string{`1: {"a":"b"}`, `6: {"c":"d"}`}},
		"comment on the marker":             {"a: b\n--- # the next\nc: d\n", []string{`1: {"a":"b"}`, `2: {"c":"d"}`}},
		"blanks after the marker":           {"a: b\n--- \t\nc: d\n", []string{`1: {"a":"b"}`, `3: {"c":"d"}`}},
		"document on the marker":            {"--- {a: b}\n--- c\n", []string{`1: {"a":"b"}`, `2: "c"`}},
		"final marker":                      {"a: b\n---", []string{`1: {"a":"b"}`}},
		"end markers":                       {"a: b\n...\n---\nc: d\n...\n", []string{`1: {"a":"b"}`, `4: {"c":"d"}`}},
		"only an end marker in between":     {"a: b\n...\nc: d\n", []string{`1: {"a":"b"}`, `3: {"c":"d"}`}},
		"CRLF":                              {"a: b\r\n---\r\nc: |\r\n  d\r\n", []string{`1: {"a":"b"}`, `3: {"c":"d\n"}`}},
		"byte order mark":                   {"\ufeffa: b\n", []string{`1: {"a":"b"}`}},
		"byte order mark before the marker": {"\ufeff---\na: b\n", []string{`2: {"a":"b"}`}},
		"byte order mark before JSON":       {"\ufeff{\"a\": 1}", []string{`1: {"a": 1}`}},
		"dashes in a block scalar":          {"a: |\n  ---\n  ...\nb: c\n", []string{`1: {"a":"---\n...\n","b":"c"}`}},
		"dashes in a folded scalar":         {"a: >-\n  ---\n  x\n", []string{`1: {"a":"--- x"}`}},
		"dashes in a quoted scalar":         {"a: \"x\n  --- y\"\n", []string{`1: {"a":"x --- y"}`}},
		"list items similar to a marker":    {"- --\n- ---x\n", []string{`1: ["--","---x"]`}},
		"text directly after dashes":        {"---x\n", []string{`1: "---x"`}},
		"braces over several lines":         {"# flow\n{a: b,\n c: d}\n", []string{`1: {"a":"b","c":"d"}`}},
		"braces with a trailing comma":      {"{\"a\": 1,}\n", []string{`1: {"a":1}`}},
		"anchors":                           {"a: &x [1]\nb: *x\n", []string{`1: {"a":[1],"b":[1]}`}},
		"same key in two documents":         {"a: b\n---\na: b\n", []string{`1: {"a":"b"}`, `3: {"a":"b"}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, split(t, test.data)); diff != "" {
				t.Errorf("Split(%q) (-want +got):\n%s", test.data, diff)
			}
		})
	}
}

func TestSplitJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want []string
	}{
		"one object":                {`{"a": 1.50}`, []string{`1: {"a": 1.50}`}},
		"over several lines":        {"\n{\n \"a\": 1\n}\n", []string{"2: {\n \"a\": 1\n}"}},
		"stream":                    {`{"a":1}{"b":2}`, []string{`1: {"a":1}`, `1: {"b":2}`}},
		"stream over several lines": {"{\"a\":\n1}\n\n {\"b\":2}\n", []string{"1: {\"a\":\n1}", `4: {"b":2}`}},
		"null in a stream":          {"{\"a\":1}\nnull\n{\"b\":2}", []string{`1: {"a":1}`, `3: {"b":2}`}},
		"between markers":           {"---\n{\"a\": 1}\n---\n{\"b\": 2}\n", []string{"2: {\"a\": 1}\n", "4: {\"b\": 2}\n"}},
		"before YAML":               {"{\"a\": 1}\n---\nb: c\n", []string{"1: {\"a\": 1}\n", `3: {"b":"c"}`}},
		"repeated key":              {`{"a":1,"a":2}`, []string{`1: {"a":1,"a":2}`}},
		"large number":              {`{"a":12345678901234567890}`, []string{`1: {"a":12345678901234567890}`}},
		"marker in a text":          {`{"a":"\n---\n"}`, []string{`1: {"a":"\n---\n"}`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, split(t, test.data)); diff != "" {
				t.Errorf("Split(%q) (-want +got):\n%s", test.data, diff)
			}
		})
	}
}

// Nodes receive a docker config byte by byte.
func TestSplitDoesNotChangeTheText(t *testing.T) {
	t.Parallel()
	documents, err := document.Split([]byte("# one\na: b # c\n---\n{\"d\":   1}\n"))
	if err != nil {
		t.Fatalf("Split() error = %v, want none", err)
	}
	var got []string
	for _, d := range documents {
		got = append(got, string(d.Raw))
	}
	if diff := cmp.Diff([]string{"# one\na: b # c\n", "{\"d\":   1}\n"}, got); diff != "" {
		t.Errorf("raw text (-want +got):\n%s", diff)
	}
}

// With quadratic time in the number of documents, this test would take minutes.
func TestSplitTakesLinearTime(t *testing.T) {
	t.Parallel()
	const count = 5000
	tests := map[string]struct {
		one          string
		linesPerItem int
	}{
		"YAML": {"---\na: b\n\n\n\n", 5},
		"JSON": {"{\"a\":\n1}\n", 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			documents, err := document.Split([]byte(strings.Repeat(test.one, count)))
			if err != nil {
				t.Fatalf("Split() error = %v, want none", err)
			}
			if len(documents) != count {
				t.Fatalf("got %d documents, want %d", len(documents), count)
			}
			if got, want := documents[count-1].Line-documents[0].Line, (count-1)*test.linesPerItem; got != want {
				t.Errorf("the last document starts %d lines after the first, want %d", got, want)
			}
		})
	}
}
