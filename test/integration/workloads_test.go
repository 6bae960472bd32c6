package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// testWorkloads checks that every kind of workload is stored, with a warning about its missing image.
func testWorkloads(t *testing.T, e *environment) {
	for resource, workload := range workloads(e.registry.expand(imageGone)) {
		t.Run(resource, func(t *testing.T) {
			t.Parallel()
			namespace := e.namespace(t, "enforce")
			workload.SetNamespace(namespace)
			workload.SetName("web")
			got := outcomeOf(t, e.caller(t).create(workload), e.audit.await(t, "create", resource, namespace, 1), workloadsWebhook)
			want := outcome{Warnings: []string{goneWarning}, Audited: gone}
			if diff := cmp.Diff(want.expand(e.registry), got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("pull secret of the service account", func(t *testing.T) {
		t.Parallel()
		namespace, c := e.namespace(t, "enforce", e.registry.pullSecret("regcred")), e.caller(t)
		sa := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "builder"}}
		sa.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "regcred"}}
		c.must(c.create(sa))
		d := newDeployment(namespace, e.registry.expand(imagePrivate))
		d.Spec.Template.Spec.ServiceAccountName = "builder"
		if got := c.create(d); got.err != nil || got.warnings != nil {
			t.Errorf("got %v, warnings %q; want neither", got.err, got.warnings)
		}
	})
	t.Run("placeholder of Istio", func(t *testing.T) {
		t.Parallel()
		testPlaceholder(t, e)
	})
}

// testPlaceholder checks that the image that Istio replaces in each pod is not checked in the template.
func testPlaceholder(t *testing.T, e *environment) {
	namespace := e.namespace(t, "enforce")
	d := newDeployment(namespace, "auto")
	d.Spec.Template.Annotations = map[string]string{"inject.istio.io/templates": "gateway"}
	got := outcomeOf(t, e.caller(t).create(d), e.audit.await(t, "create", "deployments", namespace, 1), workloadsWebhook)
	if diff := cmp.Diff(outcome{}, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// workloads returns one object of each kind that has a pod template, by resource.
func workloads(image string) map[string]client.Object {
	template, selector := podTemplate(image), &metav1.LabelSelector{MatchLabels: webLabels()}
	once := *template.DeepCopy()
	once.Spec.RestartPolicy = corev1.RestartPolicyNever
	return map[string]client.Object{
		"deployments":            &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Selector: selector, Template: template}},
		"replicasets":            &appsv1.ReplicaSet{Spec: appsv1.ReplicaSetSpec{Selector: selector, Template: template}},
		"statefulsets":           &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{Selector: selector, Template: template}},
		"daemonsets":             &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template}},
		"jobs":                   &batchv1.Job{Spec: batchv1.JobSpec{Template: once}},
		"cronjobs":               newCronJob("", once),
		"replicationcontrollers": &corev1.ReplicationController{Spec: corev1.ReplicationControllerSpec{Template: &template}},
		"podtemplates":           &corev1.PodTemplate{Template: template},
	}
}

func webLabels() map[string]string { return map[string]string{"app": "web"} }

func podTemplate(image string) corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: webLabels()},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: image}}},
	}
}

func newDeployment(namespace, image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: webLabels()}, Template: podTemplate(image),
		},
	}
}

func newCronJob(namespace string, template corev1.PodTemplateSpec) *batchv1.CronJob {
	return &batchv1.CronJob{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
		Spec: batchv1.CronJobSpec{
			Schedule:    "0 0 * * *",
			JobTemplate: batchv1.JobTemplateSpec{Spec: batchv1.JobSpec{Template: template}},
		},
	}
}
