package podspec

import (
	"strings"
	"testing"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestDecodeAcceptsHugeObjects(t *testing.T) {
	t.Parallel()
	const megabyte = 1 << 20
	tests := map[string]struct {
		members string
		uses    int
	}{
		"a field":    {`"spec":` + podSpec + `,"x":"` + strings.Repeat("x", megabyte) + `"`, 4},
		"an image":   {`"spec":{"containers":[{"image":"` + strings.Repeat("@", megabyte) + `"}]}`, 1},
		"containers": {`"spec":{"containers":[` + strings.Repeat(`{"image":"a"},`, 999) + `{"image":"a"}]}`, 1000},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := len(decode(t, objectOf(core("Pod"), test.members)).Pod.Uses); got != test.uses {
				t.Errorf("uses: got %d, want %d", got, test.uses)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for kind, given := range kinds {
		f.Add([]byte(objectOf(kind, given.object)))
	}
	f.Add([]byte(`null`))
	f.Add([]byte(`[{"apiVersion":"v1","kind":"Pod"}]`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		object, err := Decode(raw)
		if err != nil {
			return
		}
		for _, use := range object.Pod.Uses {
			if (use.ParseError == "") == (use.Reference == imagepull.Reference{}) {
				t.Errorf("%s: got parse error %q with reference %v, want one of them", use.Path, use.ParseError, use.Reference)
			}
			if use.Path == "" || use.PullPolicy == "" {
				t.Errorf("got use %+v, want its path and pull policy filled in", use)
			}
		}
		object.BeforeAdmission().ChangedSince(object)
	})
}
