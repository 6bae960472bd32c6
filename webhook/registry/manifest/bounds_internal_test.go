package manifest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// list returns a JSON list of n equal elements.
func list(element string, n int) string {
	return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
}

func TestCheckBounds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want error
	}{
		"nothing":                                  {"", nil},
		"the most elements":                        {list("{}", maxElements), nil},
		"one element more":                         {list("{}", maxElements+1), ErrTooLarge},
		"as many elements in two lists":            {"[" + list("{}", maxElements) + "," + list("{}", maxElements) + "]", nil},
		"the most members":                         {"{" + strings.Repeat(`"a":1,`, maxElements-1) + `"a":1}`, nil},
		"one member more":                          {"{" + strings.Repeat(`"a":1,`, maxElements) + `"a":1}`, ErrTooLarge},
		"the most values":                          {list(list("1", 1000), maxValues/1000-1), nil},
		"more values":                              {list(list("1", 1000), maxValues/1000+1), ErrTooLarge},
		"the deepest nesting":                      {strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), nil},
		"one level more":                           {strings.Repeat("[", maxDepth+1), ErrTooLarge},
		"one object level more":                    {strings.Repeat(`{"a":`, maxDepth+1), ErrTooLarge},
		"many levels, one after the other":         {list("[[[]]]", maxElements), nil},
		"commas in a string":                       {`["` + strings.Repeat(",{[", maxValues) + `"]`, nil},
		"commas after an escaped quote":            {`["\"` + strings.Repeat(",", maxValues) + `"]`, nil},
		"commas after an escaped backslash":        {`["\\"` + strings.Repeat(`,""`, maxElements) + `]`, ErrTooLarge},
		"a string without an end":                  {`"` + strings.Repeat(",", maxValues), nil},
		"a string that ends with a backslash":      {`"\`, nil},
		"commas outside of all lists":              {strings.Repeat(",", maxElements+1), ErrTooLarge},
		"closing brackets without opening ones":    {strings.Repeat("]", maxValues), nil},
		"elements after a closed list of the same": {list("1", maxElements) + list("1", maxElements), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := checkBounds([]byte(test.body)); !errors.Is(err, test.want) {
				t.Errorf("got error %v, want %v", err, test.want)
			}
		})
	}
}

// A node may accept a document that Pullgate does not read.
func TestDocumentsBeyondTheBoundsAreIndeterminate(t *testing.T) {
	t.Parallel()
	many := list("{}", maxElements+1)
	_, manifestErr := Parse([]byte(`{"layers":` + many + `}`))
	_, indexErr := ParseIndex([]byte(`{"manifests":` + many + `}`))
	for name, err := range map[string]error{"manifest": manifestErr, "index": indexErr} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got error %v, want ErrTooLarge", name, err)
		}
	}
	config := ParseConfig([]byte(`{"history":` + many + `}`))
	if v := (Manifest{}).CheckUnpack(config); v.Detail != Unread("the configuration").Detail || v.Outcome() != imagepull.Indeterminate {
		t.Errorf("configuration: got verdict %v, want one that it is not read", v)
	}
}

// A manifest that embeds manifests in each other is read to a bounded level.
func TestEmbeddedDocumentsBeyondTheBounds(t *testing.T) {
	t.Parallel()
	embed := func(mediaType, body string) string {
		return fmt.Sprintf(`{"mediaType":%q,"digest":%q,"size":%d,"data":%q}`,
			mediaType, digest.FromString(body), len(body), base64.StdEncoding.EncodeToString([]byte(body)))
	}
	const undecodable = "the index holds a manifest that cannot be decoded"
	nested := func(levels int) string {
		body := "not JSON"
		for range levels {
			body = `{"config":` + embed(ocispec.MediaTypeImageManifest, body) + `}`
		}
		return body
	}
	for name, test := range map[string]struct{ entry, want string }{
		"many entries":           {embed(ocispec.MediaTypeImageIndex, `{"manifests":`+list("{}", maxElements+1)+`}`), ""},
		"many layers":            {embed(ocispec.MediaTypeImageManifest, `{"layers":`+list("{}", maxElements+1)+`}`), ""},
		"broken at level 1":      {embed(ocispec.MediaTypeImageManifest, nested(0)), undecodable},
		"broken at level 2":      {embed(ocispec.MediaTypeImageManifest, nested(1)), "the manifest embeds content of another type for the configuration"},
		"broken below level 2":   {embed(ocispec.MediaTypeImageManifest, nested(2)), ""},
		"broken at a deep level": {embed(ocispec.MediaTypeImageManifest, nested(8)), ""},
	} {
		index, err := ParseIndex([]byte(`{"manifests":[` + test.entry + `]}`))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := index.Manifests()[0].Defect; got != test.want {
			t.Errorf("%s: got defect %q, want %q", name, got, test.want)
		}
	}
}

// An index of 1.4 million empty entries takes 511 MiB in a decoder without bounds.
func TestDecodingStopsAtTheBounds(t *testing.T) {
	body := []byte(`{"manifests":` + list("{}", 1_400_000) + `}`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ParseIndex(body); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got error %v, want ErrTooLarge", err)
	}
	runtime.ReadMemStats(&after)
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
		t.Errorf("allocated %d bytes, want less than 1 MiB", allocated)
	}
}

func TestCheckBoundsAllocatesNothing(t *testing.T) {
	body := []byte(list(`{"a":"b"}`, 100))
	if n := testing.AllocsPerRun(10, func() { _ = checkBounds(body) }); n != 0 {
		t.Errorf("got %v allocations, want none", n)
	}
}

// The bounds hold the memory of the worst documents near the figure that their comment gives.
func TestMemoryOfDocumentsAtTheBounds(t *testing.T) {
	annotations := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%x":""`, i)
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	}
	tests := map[string]string{
		"entries":                       list("{}", maxElements),
		"entries with platforms":        list(`{"platform":{"os":"a"}}`, maxElements),
		"entries with annotations":      list(`{"annotations":{"a":""}}`, maxElements),
		"entries with URLs":             list(`{"urls":`+list(`""`, 7)+`}`, maxElements),
		"entries with many annotations": list(`{"annotations":`+annotations(7)+`}`, maxElements-1),
		"large annotations":             list(`{"annotations":`+annotations(maxElements-1)+`}`, 9),
	}
	for name, manifests := range tests {
		body := []byte(`{"manifests":` + manifests + `}`)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		index, err := ParseIndex(body)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		descriptors, platforms := index.Manifests(), index.Platforms()
		runtime.GC()
		runtime.ReadMemStats(&after)
		taken := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		t.Logf("%s: %d bytes of JSON take %d KiB, and %d KiB were allocated", name, len(body), taken>>10, (after.TotalAlloc-before.TotalAlloc)>>10)
		if taken > 1<<20 {
			t.Errorf("%s: the index takes %d bytes, want at most 1 MiB", name, taken)
		}
		runtime.KeepAlive(index)
		runtime.KeepAlive(descriptors)
		runtime.KeepAlive(platforms)
	}
}
