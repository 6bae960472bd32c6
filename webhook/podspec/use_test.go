package podspec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

func TestImageIsAStandaloneUse(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		image string
		want  imagepull.Use
	}{
		"a standalone image is always pulled": {
			image: "nginx:1.27",
			want: imagepull.Use{
				Path: "image", Kind: imagepull.Standalone, Image: "nginx:1.27", PullPolicy: imagepull.PullAlways,
				Reference: imagepull.Reference{Domain: "docker.io", Path: "library/nginx", Tag: "1.27"},
			},
		},
		"an image that does not parse has an error": {
			image: "Nginx",
			want: imagepull.Use{
				Path: "image", Kind: imagepull.Standalone, Image: "Nginx", PullPolicy: imagepull.PullAlways,
				ParseError: "repository name must be lowercase",
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, Image(test.image)); diff != "" {
				t.Errorf("Image (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPullPolicyIsDefaultedAsInTheAPIServer uses a container and an image volume, which have the same defaults.
func TestPullPolicyIsDefaultedAsInTheAPIServer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		image, policy string
		want          imagepull.PullPolicy
	}{
		"no tag":                   {"web", "", imagepull.PullAlways},
		"tag latest":               {"web:latest", "", imagepull.PullAlways},
		"tag latest with a digest": {"web:latest@" + digest, "", imagepull.PullAlways},
		"another tag":              {"web:1", "", imagepull.PullIfNotPresent},
		"another tag and a digest": {"web:1@" + digest, "", imagepull.PullIfNotPresent},
		"digest alone":             {"web@" + digest, "", imagepull.PullIfNotPresent},
		"latest in upper case":     {"web:LATEST", "", imagepull.PullIfNotPresent},
		"not parsable, tag latest": {"Web:latest", "", imagepull.PullIfNotPresent},
		"written Always":           {"web:1", "Always", imagepull.PullAlways},
		"written IfNotPresent":     {"web:latest", "IfNotPresent", imagepull.PullIfNotPresent},
		"written Never":            {"web:latest", "Never", imagepull.PullNever},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := decode(t, `{"apiVersion":"v1","kind":"Pod","spec":{
				"containers":[{"name":"web","image":"`+test.image+`","imagePullPolicy":"`+test.policy+`"}],
				"volumes":[{"name":"data","image":{"reference":"`+test.image+`","pullPolicy":"`+test.policy+`"}}]}}`)
			for _, use := range object.Pod.Uses {
				if use.PullPolicy != test.want {
					t.Errorf("pull policy of %s: got %q, want %q", use.Path, use.PullPolicy, test.want)
				}
			}
		})
	}
}

func TestDecodeListsUsesOfEveryKind(t *testing.T) {
	t.Parallel()
	object := decode(t, `{"apiVersion":"v1","kind":"Pod","spec":{
		"volumes":[
			{"name":"scratch","emptyDir":{}},
			{"name":"model","image":{"reference":"r.example/model:1"}},
			{"name":"spare","image":{"reference":"r.example/spare:1"}}],
		"initContainers":[
			{"name":"setup","image":"r.example/setup:1"},
			{"name":"sidecar","image":"r.example/sidecar:1","restartPolicy":"Always"}],
		"containers":[
			{"name":"web","image":"r.example/web:1","volumeMounts":[{"name":"model","mountPath":"/model"}]},
			{"name":"log","image":"r.example/log:1"}],
		"ephemeralContainers":[{"name":"debug","image":"r.example/debug:1","targetContainerName":"web"}]}}`)
	want := []imagepull.Use{
		use("spec.containers[0].image", imagepull.Container, "web"),
		use("spec.containers[1].image", imagepull.Container, "log"),
		use("spec.initContainers[0].image", imagepull.InitContainer, "setup"),
		use("spec.initContainers[1].image", imagepull.InitContainer, "sidecar"),
		use("spec.ephemeralContainers[0].image", imagepull.EphemeralContainer, "debug"),
		use("spec.volumes[1].image.reference", imagepull.Volume, "model"),
		use("spec.volumes[2].image.reference", imagepull.Volume, "spare"),
	}
	want[6].Unmounted = true
	if diff := cmp.Diff(want, object.Pod.Uses); diff != "" {
		t.Errorf("uses (-want +got):\n%s", diff)
	}
}

func TestUnmountedVolumesAreMarked(t *testing.T) {
	t.Parallel()
	const (
		mount  = `"volumeMounts":[{"name":"data","mountPath":"/data"}]`
		other  = `"volumeMounts":[{"name":"scratch","mountPath":"/data"}]`
		device = `"volumeDevices":[{"name":"data","devicePath":"/dev/data"}]`
	)
	tests := map[string]struct {
		spec string
		want bool
	}{
		"mounted by a container":            {`"containers":[{"image":"a"},{"image":"b",` + mount + `}]`, false},
		"mounted by an init container":      {`"initContainers":[{"name":"a","image":"a",` + mount + `}]`, false},
		"mounted by an ephemeral container": {`"ephemeralContainers":[{"name":"a","image":"a",` + mount + `}]`, false},
		"not mounted":                       {`"containers":[{"name":"a","image":"a"}]`, true},
		"another volume mounted":            {`"containers":[{"name":"a","image":"a",` + other + `}]`, true},
		"a device is not a mount":           {`"containers":[{"name":"a","image":"a",` + device + `}]`, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := decode(t, `{"apiVersion":"v1","kind":"Pod","spec":{`+test.spec+`,
				"volumes":[{"name":"data","image":{"reference":"r.example/data:1"}}]}}`)
			volume := object.Pod.Uses[len(object.Pod.Uses)-1]
			if volume.Unmounted != test.want {
				t.Errorf("unmounted: got %t, want %t", volume.Unmounted, test.want)
			}
		})
	}
}

// The API server rejects a pod with a blank image, except in an image volume of an old pod,
// which is invalid for the kubelet. In a template a blank image is a placeholder.
func TestBlankImagesAreUsesOfPodsOnly(t *testing.T) {
	t.Parallel()
	const spec = `{"containers":[
			{"name":"none"},{"name":"empty","image":""},{"name":"token","image":" "},{"name":"web","image":"r.example/web:1"}],
		"volumes":[{"name":"data","image":{}}]}`
	tests := map[string]struct {
		object string
		want   []string
	}{
		"pod": {
			`{"apiVersion":"v1","kind":"Pod","spec":` + spec + `}`,
			[]string{"none: name is empty", "empty: name is empty", "token: name is empty", "web: ", "data: name is empty"},
		},
		"template": {
			`{"apiVersion":"apps/v1","kind":"Deployment","spec":{"template":{"spec":` + spec + `}}}`,
			[]string{"web: "},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, use := range decode(t, test.object).Pod.Uses {
				got = append(got, use.Name+": "+use.ParseError)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
		})
	}
}
