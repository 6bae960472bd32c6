package document_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/document"
)

func TestItems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		data string
		want []string
	}{
		"object":           {`{"kind":"Pod"}`, []string{`{"kind":"Pod"}`}},
		"text":             {`"text"`, []string{`"text"`}},
		"JSON array":       {`[{"kind":"Pod"}]`, []string{`[{"kind":"Pod"}]`}},
		"kind is a number": {`{"kind":1,"items":[]}`, []string{`{"kind":1,"items":[]}`}},
		"List": {
			`{"kind":"List","items":[{"kind":"Pod","n":1},{"kind":"Job"}]}`,
			[]string{`{"kind":"Pod","n":1}`, `{"kind":"Job"}`},
		},
		"empty List":         {`{"kind":"List","items":[]}`, nil},
		"List of null":       {`{"kind":"List","items":null}`, nil},
		"List without items": {`{"kind":"List"}`, []string{`{"kind":"List"}`}},
		"name of a list, but no items": {
			`{"kind":"AllowList","spec":{}}`,
			[]string{`{"kind":"AllowList","spec":{}}`},
		},
		"items, but not the name of a list": {
			`{"kind":"ConfigMap","items":[{"kind":"Pod"}]}`,
			[]string{`{"kind":"ConfigMap","items":[{"kind":"Pod"}]}`},
		},
		"List in a List": {
			`{"kind":"List","items":[{"kind":"List","items":[{"kind":"Pod"}]},{"kind":"Job"}]}`,
			[]string{`{"kind":"Pod"}`, `{"kind":"Job"}`},
		},
		"typed list without kinds": {
			`{"apiVersion":"v1","kind":"PodList","items":[{"n":1}]}`,
			[]string{`{"apiVersion":"v1","kind":"Pod","n":1}`},
		},
		"typed list of a group": {
			`{"apiVersion":"apps/v1","kind":"DeploymentList","items":[{}]}`,
			[]string{`{"apiVersion":"apps/v1","kind":"Deployment"}`},
		},
		"typed list with kinds": {
			`{"apiVersion":"v1","kind":"PodList","items":[{"apiVersion":"v1","kind":"Pod","n":1}]}`,
			[]string{`{"apiVersion":"v1","kind":"Pod","n":1}`},
		},
		"typed list in a List": {
			`{"kind":"List","items":[{"apiVersion":"v1","kind":"PodList","items":[{"n":1}]}]}`,
			[]string{`{"apiVersion":"v1","kind":"Pod","n":1}`},
		},
		"large number": {
			`{"apiVersion":"v1","kind":"PodList","items":[{"n":12345678901234567890}]}`,
			[]string{`{"apiVersion":"v1","kind":"Pod","n":12345678901234567890}`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, err := document.Items(document.Document{JSON: []byte(test.data)})
			if err != nil {
				t.Fatalf("Items() error = %v, want none", err)
			}
			var got []string
			for _, item := range items {
				got = append(got, string(item))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Items() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestItemsMustBeObjects(t *testing.T) {
	t.Parallel()
	const want = "the items of a List must be a list of objects"
	tests := map[string]string{
		"items is an object":        `{"kind":"List","items":{"kind":"Pod"}}`,
		"items is text":             `{"kind":"List","items":"Pod"}`,
		"null item":                 `{"kind":"List","items":[null]}`,
		"null item of a typed list": `{"kind":"PodList","items":[null]}`,
		"item is text":              `{"kind":"List","items":["Pod"]}`,
		"item is an array":          `{"kind":"List","items":[[{"kind":"Pod"}]]}`,
		"mistake in a nested List":  `{"kind":"List","items":[{"kind":"List","items":7}]}`,
	}
	for name, data := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, err := document.Items(document.Document{JSON: []byte(data)})
			if err == nil {
				t.Fatalf("Items() = %s, want an error", items)
			}
			if err.Error() != want {
				t.Errorf("Items() error = %q, want %q", err, want)
			}
		})
	}
}
