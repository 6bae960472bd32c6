//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// createDeployment creates a Deployment with one pod, named web, and returns the warnings.
func (e *environment) createDeployment(t *testing.T, namespace, image string) []string {
	t.Helper()
	labels := map[string]string{"app": "web"}
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: e.podSpec(image)},
		},
	}
	client, warnings := e.caller(t)
	if _, err := client.AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return warnings.all()
}

// setImage changes the image of the Deployment, as kubectl set image does, and returns the warnings.
func (e *environment) setImage(t *testing.T, namespace, image string) []string {
	t.Helper()
	template := map[string]any{"spec": map[string]any{"containers": []any{map[string]string{"name": "web", "image": image}}}}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": template}})
	if err != nil {
		t.Fatal(err)
	}
	client, warnings := e.caller(t)
	_, err = client.AppsV1().Deployments(namespace).
		Patch(t.Context(), "web", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return warnings.all()
}

// awaitDeployment waits until the Deployment has the wanted state.
func (e *environment) awaitDeployment(t *testing.T, namespace, what string, wanted func(*appsv1.Deployment) bool) {
	t.Helper()
	eventually(t, "the Deployment "+what, func(ctx context.Context) (bool, any) {
		d, err := e.client.AppsV1().Deployments(namespace).Get(ctx, "web", metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		return wanted(d), d.Status
	})
}

// condition returns the condition of this type, or the zero value.
func condition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) appsv1.DeploymentCondition {
	for _, c := range d.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return appsv1.DeploymentCondition{}
}

// createJob creates a Job named once, and returns the warnings.
func (e *environment) createJob(t *testing.T, namespace, image string) []string {
	t.Helper()
	spec := e.podSpec(image)
	spec.RestartPolicy = corev1.RestartPolicyNever
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "once"},
		Spec:       batchv1.JobSpec{Template: corev1.PodTemplateSpec{Spec: spec}},
	}
	client, warnings := e.caller(t)
	if _, err := client.BatchV1().Jobs(namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	return warnings.all()
}

// pods returns the pods of the namespace.
func (e *environment) pods(t *testing.T, namespace string) []corev1.Pod {
	t.Helper()
	list, err := e.client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// awaitEvent waits for an event with this reason and a message that contains the text.
func (e *environment) awaitEvent(t *testing.T, namespace, reason, text string) {
	t.Helper()
	eventually(t, "an event "+reason, func(ctx context.Context) (bool, any) {
		list, err := e.client.CoreV1().Events(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		var others []string
		for _, event := range list.Items {
			if event.Reason == reason && strings.Contains(event.Message, text) {
				return true, nil
			}
			others = append(others, event.Reason+": "+event.Message)
		}
		return false, others
	})
}
