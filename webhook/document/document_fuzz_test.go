package document_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/document"
)

// FuzzSplit checks that any file gives documents of valid JSON at lines of the file, or an error.
func FuzzSplit(f *testing.F) {
	f.Add("apiVersion: v1\nkind: Pod\n---\n# comment\n---\nkind: List\nitems: [{kind: Pod}]\n")
	f.Add(`{"kind":"Pod"}{"kind":"List","items":[{}]}`)
	f.Add("a: &x {b: c}\nd: {<<: *x}\n--- \r\n\xef\xbb\xbfkind: Pod")
	f.Add("a: 1\na: 2\n")
	f.Add("{a: [1, 2}\n")
	f.Fuzz(func(t *testing.T, text string) {
		documents, err := document.Split([]byte(text))
		if err != nil {
			return
		}
		for _, d := range documents {
			if !json.Valid(d.JSON) {
				t.Errorf("line %d: the document is not JSON: %q", d.Line, d.JSON)
			}
			if last := strings.Count(text, "\n") + 1; d.Line < 1 || d.Line > last {
				t.Errorf("a document starts at line %d of %d", d.Line, last)
			}
			items, err := document.Items(d)
			if err != nil {
				continue
			}
			for _, item := range items {
				if !json.Valid(item) {
					t.Errorf("line %d: an item is not JSON: %q", d.Line, item)
				}
			}
		}
	})
}
