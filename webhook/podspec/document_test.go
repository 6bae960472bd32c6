package podspec

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fullSpec returns a pod spec with every field that affects pulls.
func fullSpec() corev1.PodSpec {
	cpu := resource.MustParse("250m")
	requests := corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: cpu, "nvidia.com/gpu": resource.MustParse("1")}}
	return corev1.PodSpec{
		NodeName:     "node-1",
		NodeSelector: map[string]string{"pool": "web"},
		Affinity: &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{
			RequiredDuringSchedulingIgnoredDuringExecution: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "disk", Operator: corev1.NodeSelectorOpIn, Values: []string{"ssd"}}},
				MatchFields:      []corev1.NodeSelectorRequirement{{Key: "metadata.name", Operator: corev1.NodeSelectorOpIn, Values: []string{"a"}}},
			}}},
		}},
		Tolerations: []corev1.Toleration{{
			Key: "gpu", Operator: corev1.TolerationOpEqual, Value: "yes", Effect: corev1.TaintEffectNoExecute, TolerationSeconds: new(int64(300)),
		}},
		OS:                       &corev1.PodOS{Name: corev1.Linux},
		SchedulerName:            "batch",
		RuntimeClassName:         new("windows-2022"),
		SchedulingGates:          []corev1.PodSchedulingGate{{Name: "example.com/quota"}},
		ImagePullSecrets:         []corev1.LocalObjectReference{{Name: "regcred"}},
		ServiceAccountName:       "shop",
		DeprecatedServiceAccount: "shop",
		Containers:               []corev1.Container{{Resources: requests}},
		InitContainers:           []corev1.Container{{Resources: requests, RestartPolicy: new(corev1.ContainerRestartPolicyAlways)}},
		Volumes: []corev1.Volume{
			{VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{}}},
			{VolumeSource: corev1.VolumeSource{Ephemeral: &corev1.EphemeralVolumeSource{}}},
		},
		Resources:      &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: cpu}, Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("1")}},
		Overhead:       corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("120Mi")},
		ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: new("gpu")}},
	}
}

// TestDecodeReadsObjectsOfTheAPI compares the field names and types of this package with the API's.
func TestDecodeReadsObjectsOfTheAPI(t *testing.T) {
	t.Parallel()
	full := fullSpec()
	full.RestartPolicy, full.Priority = corev1.RestartPolicyAlways, new(int32(7))
	full.Affinity.PodAffinity = &corev1.PodAffinity{}
	web, setup := &full.Containers[0], &full.InitContainers[0]
	web.Name, web.Image, web.ImagePullPolicy, web.Command = "web", "r.example/web:1", corev1.PullAlways, []string{"serve"}
	web.VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
	web.Resources = corev1.ResourceRequirements{Limits: full.Resources.Limits, Requests: full.Resources.Requests, Claims: []corev1.ResourceClaim{{Name: "gpu"}}}
	setup.Resources = web.Resources
	setup.Name, setup.Image = "setup", "r.example/setup:1"
	full.InitContainers = append(full.InitContainers, corev1.Container{Name: "last", Image: "r.example/last:1"})
	full.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
		Name: "debug", Image: "r.example/debug:1",
	}}}
	full.Volumes[0].Name, full.Volumes[0].PersistentVolumeClaim.ClaimName = "disk", "disk"
	full.Volumes[1].Name, full.Volumes[1].Ephemeral.VolumeClaimTemplate = "scratch", &corev1.PersistentVolumeClaimTemplate{}
	full.Volumes = append(full.Volumes,
		corev1.Volume{Name: "tmp", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		corev1.Volume{Name: "data", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{
			Reference: "r.example/data:1", PullPolicy: corev1.PullNever,
		}}})
	template := corev1.PodTemplateSpec{Spec: full}
	for kind, test := range map[metav1.TypeMeta]struct {
		object metav1.Object
		path   string
	}{
		core("Pod"):                   {&corev1.Pod{Spec: full}, "spec"},
		core("PodTemplate"):           {&corev1.PodTemplate{Template: template}, "template.spec"},
		core("ReplicationController"): {&corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &template}}, "spec.template.spec"},
		apps("Deployment"):            {&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: template}}, "spec.template.spec"},
		apps("ReplicaSet"):            {&appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Template: template}}, "spec.template.spec"},
		apps("StatefulSet"):           {&appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Template: template}}, "spec.template.spec"},
		apps("DaemonSet"):             {&appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Template: template}}, "spec.template.spec"},
		batch("Job"):                  {&batchv1.Job{Spec: batchv1.JobSpec{Template: template}}, "spec.template.spec"},
		batch("CronJob"): {
			&batchv1.CronJob{Spec: batchv1.CronJobSpec{JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}}}},
			"spec.jobTemplate.spec.template.spec",
		},
	} {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			got := decode(t, marshal(t, kind, test.object))
			uses := []imagepull.Use{
				use(test.path+".containers[0].image", imagepull.Container, "web"),
				use(test.path+".initContainers[0].image", imagepull.InitContainer, "setup"),
				use(test.path+".initContainers[1].image", imagepull.InitContainer, "last"),
				use(test.path+".ephemeralContainers[0].image", imagepull.EphemeralContainer, "debug"),
				use(test.path+".volumes[3].image.reference", imagepull.Volume, "data"),
			}
			uses[0].PullPolicy, uses[4].PullPolicy = imagepull.PullAlways, imagepull.PullNever
			if diff := cmp.Diff(uses, got.Pod.Uses); diff != "" {
				t.Errorf("uses (-want +got):\n%s", diff)
			}
			want := fullSpec()
			if kind == core("Pod") {
				want.RuntimeClassName = nil
			}
			if diff := cmp.Diff(&want, got.Spec); diff != "" {
				t.Errorf("spec (-want +got):\n%s", diff)
			}
			if got.Name != "shop" || got.Namespace != "prod" || !got.Deleting || got.Mirror != (kind == core("Pod")) {
				t.Errorf("got %s in %s, deleting %t, mirror %t", got.Name, got.Namespace, got.Deleting, got.Mirror)
			}
		})
	}
}

// marshal returns the object in JSON, with the metadata that affects pulls.
func marshal(t *testing.T, kind metav1.TypeMeta, object metav1.Object) string {
	t.Helper()
	object.SetName("shop")
	object.SetNamespace("prod")
	object.SetDeletionTimestamp(new(metav1.Now()))
	object.SetAnnotations(map[string]string{corev1.MirrorPodAnnotationKey: "8d2f"})
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return `{"apiVersion":"` + kind.APIVersion + `","kind":"` + kind.Kind + `",` + string(raw[1:])
}
