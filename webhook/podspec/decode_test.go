package podspec

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestDecodeFindsTheUsesOfEveryKind(t *testing.T) {
	t.Parallel()
	for kind := range kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			given := kinds[kind]
			data := use(given.path+".volumes[0].image.reference", imagepull.Volume, "data")
			data.Unmounted = true
			want := Object{
				APIVersion: kind.APIVersion, Kind: kind.Kind, Namespace: "prod", Name: "shop", Template: kind.Kind != "Pod",
				Pod: imagepull.Pod{
					Namespace: "prod",
					Uses: []imagepull.Use{
						use(given.path+".containers[0].image", imagepull.Container, "web"),
						use(given.path+".initContainers[0].image", imagepull.InitContainer, "first"),
						use(given.path+".initContainers[1].image", imagepull.InitContainer, "setup"),
						data,
					},
					PullSecrets:     []string{"b", "a", "b"},
					BeforeAdmission: kind.Kind != "Pod",
				},
			}
			got := decode(t, objectOf(kind, given.object))
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Object{}, "Spec")); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
			if got.Spec == nil || got.Spec.NodeName != "node-1" {
				t.Errorf("Decode: got spec %v, want the object's", got.Spec)
			}
		})
	}
}

func TestKindsListsEveryKind(t *testing.T) {
	t.Parallel()
	var want []string
	for kind := range kinds {
		want = append(want, kind.Kind)
	}
	slices.Sort(want)
	got := Kinds()
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kinds (-decoded +listed):\n%s", diff)
	}
}

func TestDecodeAcceptsAMissingTemplate(t *testing.T) {
	t.Parallel()
	for kind := range kinds {
		for name, members := range map[string]string{
			"no spec": `"status":{}`,
			"null":    `"spec":null,"template":null`,
			"empty":   `"spec":{},"template":{}`,
		} {
			t.Run(kind.Kind+"/"+name, func(t *testing.T) {
				t.Parallel()
				got := decode(t, objectOf(kind, members))
				if got.Name != "shop" || len(got.Pod.Uses) != 0 {
					t.Errorf("Decode: got name %q and uses %v, want shop without any", got.Name, got.Pod.Uses)
				}
			})
		}
	}
}

func TestDecodeReadsTheMetadata(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		object string
		want   Object
	}{
		"generateName replaces a missing name": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-"}}`,
			Object{APIVersion: "v1", Kind: "Pod", Name: "web-"},
		},
		"the name has precedence over generateName": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-","name":"web-x7k2p"}}`,
			Object{APIVersion: "v1", Kind: "Pod", Name: "web-x7k2p"},
		},
		"mirror pod": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"etcd","annotations":{"kubernetes.io/config.mirror":"8d2f"}}}`,
			Object{APIVersion: "v1", Kind: "Pod", Name: "etcd", Mirror: true},
		},
		"an empty annotation marks a mirror pod": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"etcd","annotations":{"kubernetes.io/config.mirror":""}}}`,
			Object{APIVersion: "v1", Kind: "Pod", Name: "etcd", Mirror: true},
		},
		"a template is not a mirror": {
			`{"apiVersion":"batch/v1","kind":"Job","metadata":{"name":"a","annotations":{"kubernetes.io/config.mirror":"x"}}}`,
			Object{APIVersion: "batch/v1", Kind: "Job", Name: "a", Template: true,
				Pod: imagepull.Pod{ServiceAccount: "default", BeforeAdmission: true}},
		},
		"other fields may have any type": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"finalizers":{}},"spec":{"containers":[],"restartPolicy":7},"status":""}`,
			Object{APIVersion: "v1", Kind: "Pod"},
		},
		"deleting": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","deletionTimestamp":"2026-03-01T10:00:00Z"}}`,
			Object{APIVersion: "v1", Kind: "Pod", Name: "web", Deleting: true},
		},
		"no metadata": {
			`{"apiVersion":"v1","kind":"Pod"}`,
			Object{APIVersion: "v1", Kind: "Pod"},
		},
		"fields of a newer API are ignored": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"shine":1},"spec":{"orbit":{"moon":[]},"containers":[]},"tail":null}`,
			Object{APIVersion: "v1", Kind: "Pod"},
		},
		"names of fields are case-sensitive": {
			`{"apiVersion":"v1","kind":"Pod","Metadata":{"name":"web"},"spec":{"Containers":[{"name":"web","image":"Web"}]}}`,
			Object{APIVersion: "v1", Kind: "Pod"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			options := cmp.Options{cmpopts.IgnoreFields(Object{}, "Spec"), cmpopts.EquateEmpty()}
			if diff := cmp.Diff(test.want, decode(t, test.object), options); diff != "" {
				t.Errorf("Decode (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeErrorsDoNotQuoteTheObject(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ object, want string }{
		"empty text":       {``, "reading object: not valid JSON"},
		"cut off":          {`{"apiVersion":"v1","kind":"Pod"`, "reading object: not valid JSON"},
		"two objects":      {`{"apiVersion":"v1","kind":"Pod"}{}`, "reading object: not valid JSON"},
		"YAML":             {"apiVersion: v1\nkind: Pod\n", "reading object: not valid JSON"},
		"nested deeply":    {strings.Repeat("[", 1<<16), "reading object: not valid JSON"},
		"array":            {`[]`, "reading object: not a JSON object"},
		"string":           {`"Pod"`, "reading object: not a JSON object"},
		"number":           {`17`, "reading object: not a JSON object"},
		"null":             {`null`, "reading object: apiVersion or kind is missing"},
		"empty object":     {`{}`, "reading object: apiVersion or kind is missing"},
		"no apiVersion":    {`{"kind":"Pod"}`, "reading object: apiVersion or kind is missing"},
		"no kind":          {`{"apiVersion":"v1"}`, "reading object: apiVersion or kind is missing"},
		"kind is a number": {`{"apiVersion":"v1","kind":7}`, "reading object: field kind has the wrong type"},
		"spec is an array": {`{"apiVersion":"v1","kind":"Pod","spec":[]}`, "reading Pod: field spec has the wrong type"},
		"image is a number": {
			`{"apiVersion":"v1","kind":"Pod","spec":{"containers":[{"name":"a"},{"image":17}]}}`,
			"reading Pod: field spec.containers.image has the wrong type",
		},
		"containers is an object": {
			`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":{"containers":{"web":{}}}}}}`,
			"reading Deployment: field spec.template.spec.containers has the wrong type",
		},
		"text of the object is not quoted": {
			`{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":["tr0ub4dor"]}}`,
			"reading Pod: field metadata.annotations has the wrong type",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Decode([]byte(test.object))
			if err == nil || err.Error() != test.want {
				t.Errorf("Decode: got error %v, want %s", err, test.want)
			}
			if errors.Is(err, ErrNoPods) {
				t.Errorf("Decode: error %v matches ErrNoPods", err)
			}
			if diff := cmp.Diff(Object{}, got); diff != "" {
				t.Errorf("Decode with an error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDecodeReturnsErrNoPodsForOtherKinds(t *testing.T) {
	t.Parallel()
	for _, kind := range []metav1.TypeMeta{
		core("Service"), core("List"), core("PodList"), core("pod"), core("Deployment"),
		apps("Pod"), apps("Job"), batch("Deployment"),
		{APIVersion: "extensions/v1beta1", Kind: "Deployment"}, {APIVersion: "batch/v1beta1", Kind: "CronJob"},
		{APIVersion: "serving.knative.dev/v1", Kind: "Service"},
	} {
		t.Run(kind.APIVersion+"/"+kind.Kind, func(t *testing.T) {
			t.Parallel()
			// The other fields of such an object may have any type.
			got, err := Decode([]byte(objectOf(kind, `"spec":[{"template":7}]`)))
			if !errors.Is(err, ErrNoPods) {
				t.Errorf("Decode: got error %v, want %v", err, ErrNoPods)
			}
			if diff := cmp.Diff(Object{}, got); diff != "" {
				t.Errorf("Decode with an error (-want +got):\n%s", diff)
			}
		})
	}
}

// It is not parallel, because it counts allocations.
func TestDecodeAtMostCountsImagesBeforeItParsesThem(t *testing.T) {
	const spec = `{"containers":[{"image":"a"},{"image":"b"}],"initContainers":[{"image":"c"}],"ephemeralContainers":[{"image":"d"}],` +
		`"volumes":[{"name":"data","image":{"reference":"e"}},{"name":"empty","emptyDir":{}}]}`
	pod := objectOf(core("Pod"), `"spec":`+spec)
	if object, err := DecodeAtMost([]byte(pod), 5); err != nil || len(object.Pod.Uses) != 5 {
		t.Errorf("DecodeAtMost of 5 images: got %d uses and error %v, want 5", len(object.Pod.Uses), err)
	}
	if object, err := DecodeAtMost([]byte(pod), 4); !errors.Is(err, ErrManyImages) || object.Pod.Uses != nil {
		t.Errorf("DecodeAtMost of 4 images: got %d uses and error %v, want ErrManyImages", len(object.Pod.Uses), err)
	}
	huge := []byte(objectOf(core("Pod"), `"spec":{"containers":[`+strings.Repeat(`{"image":"registry.example/a:1"},`, 9999)+`{}]}`))
	counted := testing.AllocsPerRun(1, func() { _, _ = DecodeAtMost(huge, 1000) })
	if parsed := testing.AllocsPerRun(1, func() { _, _ = Decode(huge) }); counted > parsed/2 {
		t.Errorf("a refused object takes %.0f allocations and a decoded one %.0f, want less than half", counted, parsed)
	}
}
