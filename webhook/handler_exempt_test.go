package webhook_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

// exemptImage is an image that cannot be pulled.
const exemptImage = "registry.example/web:gone"

// exemptPod is a pod with the image, a label and a runtime class.
const exemptPod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","namespace":"shop","labels":{"exempt":"yes"}},
	"spec":{"runtimeClassName":"kata","containers":[{"name":"web","image":"` + exemptImage + `"}]}}`

// exemptDeployment has the same labels and runtime class in its template only.
const exemptDeployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},
	"spec":{"template":{"metadata":{"labels":{"exempt":"yes"}},
	"spec":{"runtimeClassName":"kata","containers":[{"name":"web","image":"` + exemptImage + `"}]}}}}`

func newExemptFixture(mode policy.Mode, e policy.Exemptions) *fixture {
	f := newFixture(mode)
	f.handler.Exemptions = e
	f.checker.verdicts = map[string]imagepull.Verdict{exemptImage: {Reason: imagepull.ReasonNotFound}}
	return f
}

func TestExemptObjectsAreAdmittedUnchecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		exemptions policy.Exemptions
		want       policy.Exemption
	}{
		"user":          {policy.Exemptions{Usernames: []string{"alice"}}, policy.ExemptUsername},
		"group":         {policy.Exemptions{Groups: []string{"oncall"}}, policy.ExemptGroup},
		"namespace":     {policy.Exemptions{Namespaces: []string{"shop"}}, policy.ExemptNamespace},
		"runtime class": {policy.Exemptions{RuntimeClasses: []string{"kata"}}, policy.ExemptRuntimeClass},
		"labels":        {policy.Exemptions{Pods: labels.SelectorFromSet(labels.Set{"exempt": "yes"})}, policy.ExemptPodLabels},
	}
	for name, test := range tests {
		for kind, object := range map[string]string{"Pod": exemptPod, "Deployment": exemptDeployment} {
			t.Run(name+" of a "+kind, func(t *testing.T) {
				t.Parallel()
				f := newExemptFixture(policy.ModeEnforce, test.exemptions)
				request := create(kind, object)
				request.UserInfo.Username, request.UserInfo.Groups = "alice", []string{"system:authenticated", "oncall"}
				got := f.review(t, request)
				if !got.Allowed || len(got.Warnings) > 0 || len(f.checker.pods) > 0 {
					t.Errorf("response = %+v after %d checks, want a silent admission without any", got, len(f.checker.pods))
				}
				if diff := cmp.Diff(map[string]string{"exempted-by": string(test.want)}, got.AuditAnnotations); diff != "" {
					t.Errorf("audit annotations (-want +got):\n%s", diff)
				}
				want := []webhook.Observation{{
					UID: request.UID, Namespace: "shop", Mode: policy.ModeEnforce, Kind: kind, Decision: "exempt",
				}}
				f.observed[0].Duration = 0 * time.Second
				if diff := cmp.Diff(want, f.observed); diff != "" {
					t.Errorf("observed (-want +got):\n%s", diff)
				}
				lines, err := json.Marshal(f.logLines(t))
				if err != nil || !strings.Contains(string(lines), `"by":"`+string(test.want)+`"`) || !strings.Contains(string(lines), `"user":"alice"`) {
					t.Errorf("log = %s (%v), want the exemption and the user", lines, err)
				}
			})
		}
	}
}

func TestObjectsThatNoExemptionSelectsAreChecked(t *testing.T) {
	t.Parallel()
	f := newExemptFixture(policy.ModeEnforce, policy.Exemptions{
		Usernames: []string{"alice"}, Groups: []string{"oncall"}, Namespaces: []string{"other"}, RuntimeClasses: []string{"gvisor"},
		Pods: labels.SelectorFromSet(labels.Set{"exempt": "no"}),
	})
	request := create("Pod", exemptPod)
	request.UserInfo.Username, request.UserInfo.Groups = "bob", []string{"alice"}
	if got := f.review(t, request); got.Allowed || got.AuditAnnotations["exempted-by"] != "" {
		t.Errorf("response = %+v, want a denial", got)
	}
}

// An object that is never checked needs no record of an exemption.
func TestObjectsThatNeedNoCheckAreNotExempt(t *testing.T) {
	t.Parallel()
	all := policy.Exemptions{Namespaces: []string{"shop"}}
	deleted := create("Pod", exemptPod)
	deleted.Operation, deleted.OldObject = admissionv1.Delete, deleted.Object
	for name, test := range map[string]struct {
		mode    policy.Mode
		request admissionv1.AdmissionRequest
	}{
		"mode off": {policy.ModeOff, create("Pod", exemptPod)},
		"deletion": {policy.ModeEnforce, deleted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newExemptFixture(test.mode, all)
			if got := f.review(t, test.request); !got.Allowed || len(got.AuditAnnotations) > 0 || len(f.observed) > 0 {
				t.Errorf("response = %+v, observed %v, want a silent admission", got, f.observed)
			}
		})
	}
}
