package integration

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// callCase is a request whose webhook calls are counted, with its preparation in a namespace.
type callCase struct {
	name, mode string
	prepare    func(c *caller, namespace string) (send func() response)
	want       calls
}

// calls is the number of calls of each webhook.
type calls struct{ Pods, Workloads, Labels float64 }

// testCalls counts the calls of the API server: a request whose decision cannot change must not cause one. No other test runs at
// the same time.
func testCalls(t *testing.T, e *environment) {
	cases := slices.Concat(podCalls(e), workloadCalls(e), namespaceCalls())
	var requests []func() response
	for _, test := range cases {
		requests = append(requests, test.prepare(e.caller(t), e.namespace(t, test.mode)))
	}
	before := e.calls(t)
	for i, test := range cases {
		t.Run(test.name, func(t *testing.T) {
			if got := requests[i](); got.err != nil {
				t.Error(got.err)
			}
			after := e.calls(t)
			if diff := cmp.Diff(test.want, after.since(before)); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			before = after
		})
	}
}

// calls returns the API server's own counters.
func (e *environment) calls(t *testing.T) calls {
	t.Helper()
	samples := e.apiServerMetrics(t)
	of := func(webhook string) float64 {
		return samples.sum("apiserver_admission_webhook_request_total", `name="`+webhook+`"`)
	}
	return calls{of(podsWebhook), of(workloadsWebhook), of("labels.pullgate.dev")}
}

func (c calls) since(before calls) calls {
	return calls{c.Pods - before.Pods, c.Workloads - before.Workloads, c.Labels - before.Labels}
}

func podCalls(e *environment) []callCase {
	create := func(c *caller, namespace string) func() response {
		return func() response { return c.create(newPod(namespace, e.registry.expand(imagePublic))) }
	}
	update := func(change func(*corev1.Pod)) func(*caller, string) func() response {
		return func(c *caller, namespace string) func() response {
			pod := newPod(namespace, e.registry.expand(imagePublic))
			c.must(c.create(pod))
			change(pod)
			return func() response { return c.update(pod) }
		}
	}
	once := calls{Pods: 1}
	return []callCase{
		{name: "pod", mode: "enforce", prepare: create, want: once},
		{name: "pod in unknown mode", mode: "enforced", prepare: create, want: once},
		{name: "pod in mode off", mode: "off", prepare: create},
		{name: "pod without mode", prepare: create},
		{name: "pod of the cluster", prepare: e.inKubeSystem(create)},
		{name: "mirror pod", mode: "enforce", prepare: e.mirrorPod},
		{name: "pod, image changed", mode: "enforce", want: once, prepare: update(func(pod *corev1.Pod) {
			pod.Spec.Containers[0].Image = e.registry.expand("REGISTRY/public/web:1.28")
		})},
		{name: "pod, label changed", mode: "enforce", prepare: update(func(pod *corev1.Pod) { pod.Labels = webLabels() })},
		{name: "pod, ephemeral container", mode: "enforce", prepare: e.ephemeralContainer, want: once},
		{name: "pod, being deleted", mode: "enforce", prepare: e.deletedPod},
	}
}

// mirrorPod creates the mirror of a static pod. Its image may exist on its node only.
func (e *environment) mirrorPod(c *caller, namespace string) func() response {
	pod := newPod(namespace, e.registry.expand(imageGone))
	pod.Annotations = map[string]string{corev1.MirrorPodAnnotationKey: "x"}
	pod.Spec.NodeName = "node"
	return func() response { return c.create(pod) }
}

func (e *environment) ephemeralContainer(c *caller, namespace string) func() response {
	pod := newPod(namespace, e.registry.expand(imagePublic))
	c.must(c.create(pod))
	common := corev1.EphemeralContainerCommon{Name: "debug", Image: e.registry.expand(imagePublic)}
	pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: common}}
	return func() response { return c.updateEphemeralContainers(pod) }
}

// deletedPod changes a pod that a finalizer keeps from deletion to an image that does not exist.
func (e *environment) deletedPod(c *caller, namespace string) func() response {
	pod := newPod(namespace, e.registry.expand(imagePublic))
	pod.Finalizers = []string{"test.pullgate.dev/hold"}
	c.must(c.create(pod))
	if err := c.client.Delete(c.t.Context(), pod); err != nil {
		c.t.Fatal(err)
	}
	c.get(pod)
	pod.Spec.Containers[0].Image = e.registry.expand(imageGone)
	return func() response { return c.update(pod) }
}

// inKubeSystem prepares the request in kube-system, with a mode label.
func (e *environment) inKubeSystem(prepare func(*caller, string) func() response) func(*caller, string) func() response {
	return func(c *caller, _ string) func() response {
		ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: metav1.NamespaceSystem}}
		eventually(c.t, "kube-system", func(context.Context) bool { return c.patchMode(ns, "enforce").err == nil })
		c.must(c.create(&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: ns.Name, Name: "default"}}))
		return prepare(c, ns.Name)
	}
}

func workloadCalls(e *environment) []callCase {
	update := func(change func(*appsv1.Deployment)) func(*caller, string) func() response {
		return func(c *caller, namespace string) func() response {
			d := newDeployment(namespace, e.registry.expand(imagePublic))
			c.must(c.create(d))
			change(d)
			return func() response { return c.update(d) }
		}
	}
	once := calls{Workloads: 1}
	return []callCase{
		{name: "deployment", mode: "enforce", want: once, prepare: func(c *caller, namespace string) func() response {
			return func() response { return c.create(newDeployment(namespace, e.registry.expand(imagePublic))) }
		}},
		{name: "deployment, unchanged", mode: "enforce", prepare: update(func(*appsv1.Deployment) {})},
		{name: "deployment, scaled", mode: "enforce", prepare: update(func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(5)) })},
		{name: "deployment, image changed", mode: "enforce", want: once, prepare: update(func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.Containers[0].Image = e.registry.expand("REGISTRY/public/web:1.28")
		})},
		{name: "deployment, pull secret changed", mode: "enforce", want: once, prepare: update(func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.ImagePullSecrets = []corev1.LocalObjectReference{{Name: "regcred"}}
		})},
		{name: "deployment, service account changed", mode: "enforce", want: once, prepare: update(func(d *appsv1.Deployment) {
			d.Spec.Template.Spec.ServiceAccountName = "builder"
		})},
		{name: "replica set of a deployment", mode: "enforce", prepare: e.ownedReplicaSet},
		{name: "cron job, schedule changed", mode: "enforce", prepare: e.cronJob(false)},
		{name: "cron job, image changed", mode: "enforce", prepare: e.cronJob(true), want: once},
		{name: "pod template, label changed", mode: "enforce", prepare: e.template(false)},
		{name: "pod template, image changed", mode: "enforce", prepare: e.template(true), want: once},
	}
}

func (e *environment) ownedReplicaSet(c *caller, namespace string) func() response {
	set := workloads(e.registry.expand(imageGone))["replicasets"]
	set.SetNamespace(namespace)
	set.SetName("web-1")
	set.SetOwnerReferences([]metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "Deployment", Name: "web", UID: "1", Controller: new(true),
	}})
	return func() response { return c.create(set) }
}

// cronJob changes the image, or otherwise the schedule.
func (e *environment) cronJob(image bool) func(*caller, string) func() response {
	return func(c *caller, namespace string) func() response {
		template := podTemplate(e.registry.expand(imagePublic))
		template.Spec.RestartPolicy = corev1.RestartPolicyNever
		job := newCronJob(namespace, template)
		c.must(c.create(job))
		job.Spec.Schedule = "0 1 * * *"
		if image {
			job.Spec.JobTemplate.Spec.Template.Spec.Containers[0].Image = e.registry.expand("REGISTRY/public/web:1.28")
		}
		return func() response { return c.update(job) }
	}
}

// template changes the image, or otherwise a label.
func (e *environment) template(image bool) func(*caller, string) func() response {
	return func(c *caller, namespace string) func() response {
		template := &corev1.PodTemplate{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "web"},
			Template:   podTemplate(e.registry.expand(imagePublic)),
		}
		c.must(c.create(template))
		template.Labels = webLabels()
		if image {
			template.Template.Spec.Containers[0].Image = e.registry.expand("REGISTRY/public/web:1.28")
		}
		return func() response { return c.update(template) }
	}
}

func namespaceCalls() []callCase {
	relabel := func(mode string) func(*caller, string) func() response {
		return func(c *caller, namespace string) func() response {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
			return func() response { return c.patchMode(ns, mode) }
		}
	}
	return []callCase{
		{name: "namespace, known mode", mode: "warn", prepare: relabel("enforce")},
		{name: "namespace, unknown mode", mode: "warn", prepare: relabel("enforced"), want: calls{Labels: 1}},
		{name: "namespace, unknown mode unchanged", mode: "enforced", prepare: relabel("enforced")},
	}
}
