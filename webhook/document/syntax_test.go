package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/document"
)

const broken = "near line %d: not valid YAML or JSON: check indentation, quotes and brackets"

func TestSplitErrorsHaveTheLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		line int
	}{
		"first line":                      {"a: b: c\n", 1},
		"tab as indentation":              {"a:\n\tb: c\n", 2},
		"tab in the first column":         {"\ta: b\n", 1},
		"wrong indentation":               {"a: b\n  c: d\n", 2},
		"colon in plain text":             {"a: b\nc: d: e\n", 2},
		"reserved character":              {"a: b\nc: @d\n", 2},
		"open bracket":                    {"a: b\nc: [\n", 2},
		"unknown alias":                   {"a: *b\n", 1},
		"key is a mapping":                {"? {a: b}\n: c\n", 1},
		"control character":               {"a: \x00\n", 1},
		"not UTF-8":                       {"a: \xff\n", 1},
		"four dashes":                     {"----\na: b\n", 2},
		"directive":                       {"%YAML 1.1\n---\na: b\n", 1},
		"second document":                 {"a: b\n---\n\nc: d\ne: f: g\n", 5},
		"second document, its first line": {"a: b\n---\nc: d: e\n", 3},
		"after a marker with a comment":   {"--- # one\na: b: c\n", 2},
		"after blank lines":               {"\n\n\na: b: c\n", 4},
		"CRLF":                            {"a: b\r\nc: d: e\r\n", 2},
		"JSON without a comma":            {"{\n \"a\": 1\n \"b\": 2\n}\n", 3},
		"JSON with an extra brace":        {"{\n \"a\": 1\n}}\n", 3},
		"truncated JSON":                  {"{\n \"a\": {\n", 3},
		"broken second value of a stream": {"{\"a\": 1}\n{\"b\": tru\n", 2},
		"text after JSON":                 {"{\"a\": 1}\nb: c\n", 2},
		"text after braces":               {"{a: 1}\nb: c\n", 1},
		"second braces after a comma":     {"[a], [b]\n", 1},
		"JSON in the second document":     {"a: b\n---\n{\n \"a\" 1}\n", 4},
		"aliases that grow exponentially": {bomb(), 1},
		"deeply nested brackets":          {strings.Repeat("[", 20000), 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, test.data, fmt.Sprintf(broken, test.line))
		})
	}
}

func TestSplitRejectsRepeatedKeys(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		line int
	}{
		"at the top":             {"a: b\nc: d\na: e\n", 3},
		"nested":                 {"a:\n  b: c\n  b: d\n", 3},
		"in the second document": {"a: b\n---\nc: d\nc: e\n", 4},
		"in braces":              {"{a: b,\n a: c}\n", 2},
		"quoted":                 {"\"a\": b\n'a': c\n", 2},
		"key with a line number": {"a: b\n\"x\\nline 7: key\": 1\n\"x\\nline 7: key\": 2\n", 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantError(t, test.data, fmt.Sprintf("line %d: this key is repeated: keep one", test.line))
		})
	}
}

// A manifest may be a Secret.
func TestSplitErrorsDoNotQuoteTheFile(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"repeated key":     "s3cr3t: a\ns3cr3t: b\n",
		"unknown alias":    "a: *s3cr3t\n",
		"key is a list":    "? [s3cr3t]\n: b\n",
		"plain text":       "a: s3cr3t: b\n",
		"unclosed quote":   "a: \"s3cr3t\n",
		"tag":              "a: !!int s3cr3t\n",
		"merge":            "<<: s3cr3t\n",
		"JSON":             `{"a": "s3cr3t`,
		"JSON in a stream": `{"a": 1}{"b": "s3cr3t`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := document.Split([]byte(data))
			if err == nil {
				t.Fatal("Split() error = nil, want one")
			}
			if strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("Split() error = %q, want no text of the file in it", err)
			}
		})
	}
}

// bomb returns a document of a few lines whose aliases expand to billions of values.
func bomb() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 10; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	return b.String()
}

func wantError(t *testing.T, data, want string) {
	t.Helper()
	documents, err := document.Split([]byte(data))
	if err == nil {
		t.Fatalf("Split() = %d documents, want the error %q", len(documents), want)
	}
	if err.Error() != want {
		t.Errorf("Split() error = %q, want %q", err, want)
	}
}
