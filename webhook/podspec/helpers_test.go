package podspec

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const podSpec = `{"containers":[{"name":"web","image":"r.example/web:1"}],
	"initContainers":[{"name":"first","image":"r.example/first:1"},{"name":"setup","image":"r.example/setup:1"}],
	"volumes":[{"name":"data","image":{"reference":"r.example/data:1"}}],
	"imagePullSecrets":[{"name":"b"},{"name":"a"},{"name":"b"}],"nodeName":"node-1"}`

// kinds holds one object of each kind and the path of its pod spec.
var kinds = map[metav1.TypeMeta]struct{ object, path string }{
	core("Pod"):                   {`"spec":` + podSpec, "spec"},
	core("PodTemplate"):           {`"template":{"spec":` + podSpec + `}`, "template.spec"},
	core("ReplicationController"): {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	apps("Deployment"):            {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	apps("ReplicaSet"):            {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	apps("StatefulSet"):           {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	apps("DaemonSet"):             {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	batch("Job"):                  {`"spec":{"template":{"spec":` + podSpec + `}}`, "spec.template.spec"},
	batch("CronJob"): {
		`"spec":{"jobTemplate":{"spec":{"template":{"spec":` + podSpec + `}}}}`, "spec.jobTemplate.spec.template.spec",
	},
}

func objectOf(kind metav1.TypeMeta, members string) string {
	return fmt.Sprintf(`{"apiVersion":%q,"kind":%q,"metadata":{"name":"shop","namespace":"prod"},%s}`,
		kind.APIVersion, kind.Kind, members)
}

// use returns the use of image r.example/NAME:1 in the container or volume NAME.
func use(path string, kind imagepull.Kind, name string) imagepull.Use {
	return imagepull.Use{
		Path: path, Kind: kind, Name: name, Image: "r.example/" + name + ":1", PullPolicy: imagepull.PullIfNotPresent,
		Reference: imagepull.Reference{Domain: "r.example", Path: name, Tag: "1"},
	}
}

func decode(t *testing.T, raw string) Object {
	t.Helper()
	object, err := Decode([]byte(raw))
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return object
}
