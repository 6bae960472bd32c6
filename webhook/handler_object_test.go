package webhook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/policy"
)

const (
	now   = "2026-01-01T00:00:00Z"
	other = "registry.example/shop/web:2"
)

// withEphemeral adds an ephemeral container to a pod in JSON.
func withEphemeral(pod, image string) string {
	return strings.Replace(pod, `"spec":{`, `"spec":{"ephemeralContainers":[{"name":"debug","image":"`+image+`"}],`, 1)
}

// The author of the pod's controller does not see the response.
func TestDenialsAreObservedWithTheirController(t *testing.T) {
	t.Parallel()
	owner := map[string]any{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-1", "uid": "2", "controller": true}
	owned := podWith(map[string]any{"ownerReferences": []any{owner}}, absent)
	dryRun := create("Pod", owned)
	dryRun.DryRun = ptr.To(true)
	const message = `container "c0": image "registry.example/shop/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`
	controller := &metav1.OwnerReference{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web-1", UID: "2", Controller: ptr.To(true)}
	for name, test := range map[string]struct {
		mode    policy.Mode
		request admissionv1.AdmissionRequest
		want    *webhook.Denial
	}{
		"a pod of a controller": {policy.ModeEnforce, create("Pod", owned), &webhook.Denial{Controller: controller, Message: message}},
		"a single pod":          {policy.ModeEnforce, create("Pod", podOf(absent)), &webhook.Denial{Message: message}},
		"an update": {
			policy.ModeEnforce, update("Pod", strings.Replace(owned, absent, good, 1), owned),
			&webhook.Denial{Controller: controller, Message: message},
		},
		"a dry run":       {policy.ModeEnforce, dryRun, nil},
		"a warning":       {policy.ModeWarn, create("Pod", owned), nil},
		"audit":           {policy.ModeAudit, create("Pod", owned), nil},
		"a pullable pod":  {policy.ModeEnforce, create("Pod", podOf(good)), nil},
		"a pod template":  {policy.ModeEnforce, create("Deployment", deploymentOf(absent)), nil},
		"an unknown kind": {policy.ModeEnforce, create("Pod", `{"apiVersion":"v1","kind":"Node"}`), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(test.mode)
			f.review(t, test.request)
			if len(f.observed) != 1 {
				t.Fatalf("observed %v, want one decision", f.observed)
			}
			if o := f.observed[0]; o.Unchecked == "" && (o.Namespace != "shop" || o.UID != test.request.UID) {
				t.Errorf("observed namespace %q and UID %q, want the ones of the request", o.Namespace, o.UID)
			}
			if diff := cmp.Diff(test.want, f.observed[0].Denial); diff != "" {
				t.Errorf("denial (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckedImagesAreNewOrChanged(t *testing.T) {
	t.Parallel()
	withSecret := strings.Replace(deploymentOf(good, other), `"spec":{"containers"`, `"spec":{"imagePullSecrets":[{"name":"x"}],"containers"`, 1)
	debugging := update("Pod", podOf(good), withEphemeral(podOf(good), other))
	debugging.SubResource = "ephemeralcontainers"
	tests := map[string]struct {
		request admissionv1.AdmissionRequest
		want    []string
	}{
		"new pod":                            {create("Pod", podOf(good, other)), []string{good, other}},
		"new Deployment":                     {create("Deployment", deploymentOf(good, other)), []string{good, other}},
		"changed image":                      {update("Pod", podOf(good, other), podOf(good, absent)), []string{absent}},
		"images swapped":                     {update("Pod", podOf(good, other), podOf(other, good)), []string{other, good}},
		"new ephemeral container":            {debugging, []string{other}},
		"changed template":                   {update("Deployment", deploymentOf(good, other), deploymentOf(good, absent)), []string{absent}},
		"changed pull secrets of a template": {update("Deployment", deploymentOf(good, other), withSecret), []string{good, other}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeWarn)
			f.review(t, test.request)
			if diff := cmp.Diff(test.want, f.checker.images()); diff != "" {
				t.Errorf("images (-want +got):\n%s", diff)
			}
			if got := f.checker.pods[0].Namespace; got != "shop" {
				t.Errorf("the checker got namespace %q, want the namespace of the request", got)
			}
			if spec := f.checker.specs[0]; spec == nil || spec.NodeSelector["pool"] != "web" {
				t.Errorf("the checker got the spec %v, want the spec of the object", spec)
			}
		})
	}
}

func TestObjectsWithoutNewImagesAreAdmittedUnchecked(t *testing.T) {
	t.Parallel()
	deletion := create("Pod", "")
	deletion.Operation = admissionv1.Delete
	deletion.OldObject.Raw = []byte(podOf(absent))
	tests := map[string]admissionv1.AdmissionRequest{
		"mirror pod": create("Pod", podWith(map[string]any{
			"annotations": map[string]any{"kubernetes.io/config.mirror": "0123"},
		}, absent)),
		"deleting pod": update("Pod", podOf(good), podWith(map[string]any{"deletionTimestamp": now}, absent)),
		"deletion":     deletion,
		"pod with changed labels": update("Pod", podOf(absent), podWith(map[string]any{
			"labels": map[string]any{"a": "b"},
		}, absent)),
		"scaled Deployment": update("Deployment", deploymentOf(absent),
			strings.Replace(deploymentOf(absent), `"spec":{"template"`, `"spec":{"replicas":3,"template"`, 1)),
		"ReplicationController without a template": create("ReplicationController", `{"apiVersion":"v1","kind":"ReplicationController"}`),
		"pod without containers":                   create("Pod", podOf()),
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantUnchecked(t, newFixture(policy.ModeEnforce), request)
		})
	}
}

// The image may still be pushed before the pods are created, and these are checked too.
func TestTemplatesAreNotDenied(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	got := f.review(t, create("Deployment", deploymentOf(absent)))
	if !got.Allowed {
		t.Error("denied, want a warning")
	}
	if diff := cmp.Diff([]string{absentWarning}, got.Warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if want := strings.ReplaceAll(absentAudit["findings"], "spec.containers", "spec.template.spec.containers"); got.AuditAnnotations["findings"] != want {
		t.Errorf("findings = %s in the audit, want %s", got.AuditAnnotations["findings"], want)
	}
	if o := f.observed[0]; o.Kind != "Deployment" || o.Decision != "warn" {
		t.Errorf("observed %+v, want a warning on a Deployment", o)
	}
}

// TestUndecodableObjectIsAdmittedWithAWarning also checks that the warning does not quote the object.
func TestUndecodableObjectIsAdmittedWithAWarning(t *testing.T) {
	t.Parallel()
	const prefix = "pullgate could not check the images: "
	tests := map[string]struct {
		request admissionv1.AdmissionRequest
		want    string
	}{
		"a kind without pods":       {create("Service", `{"apiVersion":"v1","kind":"Service"}`), "this kind of object has no pods"},
		"a kind of another group":   {create("Pod", `{"apiVersion":"example.com/v1","kind":"Pod"}`), "this kind of object has no pods"},
		"a field of another type":   {create("Pod", `{"apiVersion":"v1","kind":"Pod","spec":{"containers":"s3cr3t"}}`), "reading Pod: field spec.containers has the wrong type"},
		"not an object":             {create("Pod", `"s3cr3t"`), "reading object: not a JSON object"},
		"null":                      {create("Pod", "null"), "reading object: apiVersion or kind is missing"},
		"no kind":                   {create("Pod", `{"s3cr3t":1}`), "reading object: apiVersion or kind is missing"},
		"an invalid old object":     {update("Pod", `["s3cr3t"]`, podOf(absent)), "reading object: not a JSON object"},
		"an update without the old": {update("Pod", "null", podOf(absent)), "reading object: apiVersion or kind is missing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			got := f.review(t, test.request)
			want := admissionv1.AdmissionResponse{UID: test.request.UID, Allowed: true, Result: okStatus, Warnings: []string{prefix + test.want}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			wantObserved(t, f, webhook.CauseObject) // without the kind, which may be any word
			if lines := f.logLines(t); len(lines) != 1 || lines[0]["level"] != "WARN" || lines[0]["error"] != test.want {
				t.Errorf("log = %v, want one warning with the error %q", lines, test.want)
			}
			if strings.Contains(f.log.String(), "s3cr3t") {
				t.Errorf("log = %s, want no quote of the object", &f.log)
			}
		})
	}
}
