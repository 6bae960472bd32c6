package podspec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// An admitted pod has none.
// A pod may have several owners. One of them at most is the controller.
func TestControllerIsTheOwnerThatReplacesThePod(t *testing.T) {
	t.Parallel()
	pod := func(owners string) string {
		return `{"apiVersion":"v1","kind":"Pod","metadata":{"ownerReferences":` + owners + `}}`
	}
	const plain, controller = `{"kind":"Report","name":"r","uid":"1"}`, `{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","uid":"2","controller":true}`
	for name, test := range map[string]struct{ owners, want string }{
		"none":              {`[]`, ""},
		"an owner":          {`[` + plain + `]`, ""},
		"not a controller":  {`[` + strings.Replace(controller, "true", "false", 1) + `]`, ""},
		"a controller":      {`[` + controller + `]`, "apps/v1 ReplicaSet web-1 2"},
		"an owner as well":  {`[` + plain + `,` + controller + `]`, "apps/v1 ReplicaSet web-1 2"},
		"null":              {`null`, ""},
		"an incomplete one": {`[{"controller":true}]`, "   "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if c := decode(t, pod(test.owners)).Controller; c != nil {
				got = strings.Join([]string{c.APIVersion, c.Kind, c.Name, string(c.UID)}, " ")
			}
			if got != test.want {
				t.Errorf("controller %q, want %q", got, test.want)
			}
		})
	}
}

func TestServiceAccountIsSetUntilItsSecretsAreCopied(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		spec                              string
		secrets                           []string
		wantTemplate, wantPod, wantBefore string
	}{
		"no account":                         {`{}`, nil, "default", "", "default"},
		"an account":                         {`{"serviceAccountName":"shop"}`, nil, "shop", "", "shop"},
		"an account in the deprecated field": {`{"serviceAccount":"old"}`, nil, "old", "", "old"},
		"an account in both fields":          {`{"serviceAccountName":"shop","serviceAccount":"old"}`, nil, "shop", "", "shop"},
		"secrets listed": {
			`{"serviceAccountName":"shop","imagePullSecrets":[{"name":"z"},{"name":"a"}]}`, []string{"z", "a"}, "", "", "",
		},
		"an entry without a name counts as listed": {`{"imagePullSecrets":[{}]}`, nil, "", "", ""},
		"an entry without a name and another":      {`{"imagePullSecrets":[{},{"name":"a"}]}`, []string{"a"}, "", "", ""},
		"an empty list lists none":                 {`{"imagePullSecrets":[]}`, nil, "default", "", "default"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			template := decode(t, objectOf(apps("Deployment"), `"spec":{"template":{"spec":`+test.spec+`}}`))
			pod := decode(t, objectOf(core("Pod"), `"spec":`+test.spec))
			got := []string{
				template.Pod.ServiceAccount, template.BeforeAdmission().Pod.ServiceAccount,
				pod.Pod.ServiceAccount, pod.BeforeAdmission().Pod.ServiceAccount,
			}
			want := []string{test.wantTemplate, test.wantTemplate, test.wantPod, test.wantBefore}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("service accounts (-want +got):\n%s", diff)
			}
			for _, object := range []Object{template, pod} {
				if diff := cmp.Diff(test.secrets, object.Pod.PullSecrets); diff != "" {
					t.Errorf("pull secrets of %s (-want +got):\n%s", object.Kind, diff)
				}
			}
		})
	}
}

// The spec of an admitted pod has the scheduling of the class already.
func TestRuntimeClassIsSetUntilItsSchedulingIsAdded(t *testing.T) {
	t.Parallel()
	const spec = `{"runtimeClassName":"windows","nodeSelector":{"pool":"web"}}`
	template := decode(t, objectOf(apps("Deployment"), `"spec":{"template":{"spec":`+spec+`}}`))
	pod := decode(t, objectOf(core("Pod"), `"spec":`+spec))
	before := pod.BeforeAdmission()
	got := []*string{
		template.Spec.RuntimeClassName, template.BeforeAdmission().Spec.RuntimeClassName,
		pod.Spec.RuntimeClassName, before.Spec.RuntimeClassName,
	}
	if diff := cmp.Diff([]*string{new("windows"), new("windows"), nil, new("windows")}, got); diff != "" {
		t.Errorf("runtime classes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(pod.Spec.NodeSelector, before.Spec.NodeSelector); diff != "" {
		t.Errorf("selectors (-admitted +before):\n%s", diff)
	}
}

// TestBeforeAdmissionIsMarked: mutating webhooks have changed an admitted pod already.
func TestBeforeAdmissionIsMarked(t *testing.T) {
	t.Parallel()
	template := decode(t, objectOf(apps("Deployment"), `"spec":{"template":{"spec":{}}}`))
	pod := decode(t, objectOf(core("Pod"), `"spec":{}`))
	got := []bool{template.Pod.BeforeAdmission, pod.Pod.BeforeAdmission, pod.BeforeAdmission().Pod.BeforeAdmission}
	if diff := cmp.Diff([]bool{true, false, true}, got); diff != "" {
		t.Errorf("template, admitted pod, pod in a file (-want +got):\n%s", diff)
	}
}

func TestBeforeAdmissionKeepsOtherObjects(t *testing.T) {
	t.Parallel()
	tests := map[string]Object{
		"zero object": {},
		"mirror pod": decode(t, `{"apiVersion":"v1","kind":"Pod","spec":{"serviceAccountName":"shop"},
			"metadata":{"annotations":{"kubernetes.io/config.mirror":"x"}}}`),
		"no template": decode(t, objectOf(core("ReplicationController"), `"spec":{}`)),
	}
	for name, object := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(object, object.BeforeAdmission()); diff != "" {
				t.Errorf("BeforeAdmission (-before +after):\n%s", diff)
			}
		})
	}
}

const (
	web   = `"containers":[{"name":"web","image":"r.example/web:1"}]`
	both  = `"containers":[{"name":"web","image":"r.example/web:1"},{"name":"log","image":"r.example/log:1"}]`
	swap  = `"containers":[{"name":"web","image":"r.example/log:1"},{"name":"log","image":"r.example/web:1"}]`
	moved = `"containers":[{"name":"log","image":"r.example/log:1"},{"name":"web","image":"r.example/web:1"}]`
	newer = `"containers":[{"name":"web","image":"r.example/web:1"},{"name":"log","image":"r.example/log:2"}]`
	never = `"containers":[{"name":"web","image":"r.example/web:1","imagePullPolicy":"Never"}]`
	debug = `"ephemeralContainers":[{"name":"debug","image":"r.example/debug:1"}]`
	peek  = `"ephemeralContainers":[{"name":"debug","image":"r.example/debug:1","volumeMounts":[{"name":"data"}]}]`
	data  = `"volumes":[{"name":"data","image":{"reference":"r.example/data:1"}}]`
)

func TestChangedSinceKeepsChangedUses(t *testing.T) {
	t.Parallel()
	all := []string{"spec.containers[0].image", "spec.containers[1].image"}
	tests := map[string]struct {
		old, updated string
		wantPod      []string
		// wantTemplate is the result for a template; nil means the same as for a pod.
		wantTemplate []string
	}{
		"no change":             {old: both, updated: both},
		"another field changed": {old: both, updated: both + `,"activeDeadlineSeconds":5`},
		"containers reordered":  {old: both, updated: moved},
		"container removed":     {old: both, updated: web},
		"image changed":         {old: both, updated: newer, wantPod: all[1:]},
		"image in another notation": {
			old: `"containers":[{"name":"web","image":"web"}]`, updated: `"containers":[{"name":"web","image":"web:latest"}]`, wantPod: all[:1],
		},
		"images swapped":  {old: both, updated: swap, wantPod: all},
		"container added": {old: web, updated: both, wantPod: all[1:]},
		"container renamed": {
			old: web, updated: `"containers":[{"name":"www","image":"r.example/web:1"}]`, wantPod: all[:1],
		},
		"container becomes an init container": {
			old: web, updated: `"initContainers":[{"name":"web","image":"r.example/web:1"}]`,
			wantPod: []string{"spec.initContainers[0].image"},
		},
		"pull policy changed":       {old: web, updated: never, wantPod: all[:1]},
		"ephemeral container added": {old: web, updated: web + "," + debug, wantPod: []string{"spec.ephemeralContainers[0].image"}},
		"ephemeral container kept":  {old: web + "," + debug, updated: web + "," + debug},
		"ephemeral container mounts an unmounted volume": {
			old: web + "," + data, updated: web + "," + data + "," + peek,
			wantPod: []string{"spec.ephemeralContainers[0].image", "spec.volumes[0].image.reference"},
		},
		"ephemeral container with a mounted volume removed": {old: web + "," + data + "," + peek, updated: web + "," + data},
		"volume changed": {
			old: web + "," + data, updated: web + `,"volumes":[{"name":"data","image":{"reference":"r.example/data:2"}}]`,
			wantPod: []string{"spec.volumes[0].image.reference"},
		},
		"pull secret added": {old: both, updated: both + `,"imagePullSecrets":[{"name":"a"}]`, wantTemplate: all},
		"pull secrets reordered": {
			old:     both + `,"imagePullSecrets":[{"name":"a"},{"name":"b"}]`,
			updated: both + `,"imagePullSecrets":[{"name":"b"},{"name":"a"}]`, wantTemplate: all,
		},
		"service account changed": {old: both, updated: both + `,"serviceAccountName":"shop"`, wantTemplate: all},
		"service account changed with pull secrets": {
			old:     both + `,"imagePullSecrets":[{"name":"a"}]`,
			updated: both + `,"imagePullSecrets":[{"name":"a"}],"serviceAccountName":"shop"`,
		},
		"default service account written": {old: both, updated: both + `,"serviceAccountName":"default"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkChanged(t, objectOf(core("Pod"), `"spec":{`+test.old+`}`),
				objectOf(core("Pod"), `"spec":{`+test.updated+`}`), test.wantPod)
			wantTemplate := test.wantTemplate
			if wantTemplate == nil {
				wantTemplate = test.wantPod
			}
			checkChanged(t, objectOf(core("PodTemplate"), `"template":{"spec":{`+test.old+`}}`),
				objectOf(core("PodTemplate"), `"template":{"spec":{`+test.updated+`}}`), prefixed("template.", wantTemplate))
		})
	}
}

func prefixed(prefix string, paths []string) []string {
	var all []string
	for _, path := range paths {
		all = append(all, prefix+path)
	}
	return all
}

func checkChanged(t *testing.T, old, updated string, want []string) {
	t.Helper()
	object := decode(t, updated)
	changed := object.ChangedSince(decode(t, old))
	var got []string
	for _, use := range changed.Pod.Uses {
		got = append(got, use.Path)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: changed uses (-want +got):\n%s", object.Kind, diff)
	}
	ignored := cmpopts.IgnoreFields(Object{}, "Pod.Uses")
	if diff := cmp.Diff(object, changed, ignored); diff != "" {
		t.Errorf("%s: ChangedSince changed more than the uses (-before +after):\n%s", object.Kind, diff)
	}
	if diff := cmp.Diff(decode(t, updated), object); diff != "" {
		t.Errorf("%s: ChangedSince changed its receiver (-want +got):\n%s", object.Kind, diff)
	}
}
