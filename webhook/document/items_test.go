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
		"an object":      {`{"kind":"Pod"}`, []string{`{"kind":"Pod"}`}},
		"no object":      {`"text"`, []string{`"text"`}},
		"a bare list":    {`[{"kind":"Pod"}]`, []string{`[{"kind":"Pod"}]`}},
		"kind of a type": {`{"kind":1,"items":[]}`, []string{`{"kind":1,"items":[]}`}},
		"List": {
			`{"kind":"List","items":[{"kind":"Pod","n":1},{"kind":"Job"}]}`,
			[]string{`{"kind":"Pod","n":1}`, `{"kind":"Job"}`},
		},
		"empty List":         {`{"kind":"List","items":[]}`, nil},
		"List of null":       {`{"kind":"List","items":null}`, nil},
		"List without items": {`{"kind":"List"}`, []string{`{"kind":"List"}`}},
		"a kind that only sounds like a list": {
			`{"kind":"AllowList","spec":{}}`,
			[]string{`{"kind":"AllowList","spec":{}}`},
		},
		"items of a kind that is no list": {
			`{"kind":"ConfigMap","items":[{"kind":"Pod"}]}`,
			[]string{`{"kind":"ConfigMap","items":[{"kind":"Pod"}]}`},
		},
		"Lists within Lists": {
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
		"large numbers keep their digits": {
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
		"items that are an object":   `{"kind":"List","items":{"kind":"Pod"}}`,
		"items that are text":        `{"kind":"List","items":"Pod"}`,
		"a null item":                `{"kind":"List","items":[null]}`,
		"a null item, typed":         `{"kind":"PodList","items":[null]}`,
		"a text as an item":          `{"kind":"List","items":["Pod"]}`,
		"an inner list":              `{"kind":"List","items":[[{"kind":"Pod"}]]}`,
		"a mistake in an inner List": `{"kind":"List","items":[{"kind":"List","items":7}]}`,
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
