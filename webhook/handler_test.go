package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/policy"
)

const (
	absentLine = `container "c0": image "registry.example/shop/web:gone" cannot be pulled: NotFound: tag not found; push the image or correct its name`
	busyLine   = `container "c0": image "busy.example/web:1" could not be checked: RateLimited: the registry limits the rate of requests`
	// absentWarning has no fix: the line would be too long.
	absentWarning = `container "c0": image "registry.example/shop/web:gone" cannot be pulled: NotFound: tag not found`
)

var (
	absentAudit = map[string]string{
		"outcome":  "Unpullable",
		"reasons":  "NotFound",
		"findings": `[{"path":"spec.containers[0].image","image":"registry.example/shop/web:gone","outcome":"Unpullable","reason":"NotFound"}]`,
	}
	busyAudit = map[string]string{
		"outcome":  "Indeterminate",
		"reasons":  "RateLimited",
		"findings": `[{"path":"spec.containers[0].image","image":"busy.example/web:1","outcome":"Indeterminate","reason":"RateLimited"}]`,
	}
	okStatus = &metav1.Status{Code: http.StatusOK}
)

func forbidden(message string) *metav1.Status {
	return &metav1.Status{Status: metav1.StatusFailure, Code: http.StatusForbidden, Reason: metav1.StatusReasonForbidden, Message: message}
}

func TestResponseByModeAndOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		mode     policy.Mode
		image    string
		want     admissionv1.AdmissionResponse
		decision string
	}{
		"enforce, pullable": {policy.ModeEnforce, good, admissionv1.AdmissionResponse{Allowed: true, Result: okStatus}, "allow"},
		"enforce, unpullable": {
			policy.ModeEnforce, absent,
			admissionv1.AdmissionResponse{Result: forbidden(absentLine), AuditAnnotations: absentAudit}, "deny",
		},
		"enforce, indeterminate": {
			policy.ModeEnforce, busy,
			admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, Warnings: []string{busyLine}, AuditAnnotations: busyAudit}, "warn",
		},
		"warn, pullable": {policy.ModeWarn, good, admissionv1.AdmissionResponse{Allowed: true, Result: okStatus}, "allow"},
		"warn, unpullable": {
			policy.ModeWarn, absent,
			admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, Warnings: []string{absentWarning}, AuditAnnotations: absentAudit}, "warn",
		},
		"warn, indeterminate": {
			policy.ModeWarn, busy,
			admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, Warnings: []string{busyLine}, AuditAnnotations: busyAudit}, "warn",
		},
		"audit, unpullable": {
			policy.ModeAudit, absent, admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, AuditAnnotations: absentAudit}, "allow",
		},
		"audit, indeterminate": {
			policy.ModeAudit, busy, admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, AuditAnnotations: busyAudit}, "allow",
		},
		"unknown mode acts as warn": {
			"enforced", absent,
			admissionv1.AdmissionResponse{Allowed: true, Result: okStatus, Warnings: []string{absentWarning}, AuditAnnotations: absentAudit}, "warn",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(test.mode)
			request := create("Pod", podOf(test.image))
			test.want.UID = request.UID
			if diff := cmp.Diff(test.want, f.review(t, request)); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if len(f.observed) != 1 {
				t.Fatalf("observed %v, want one decision", f.observed)
			}
			o := f.observed[0]
			if o.Decision != test.decision || o.Mode != test.mode || o.Kind != "Pod" || len(o.Findings) != 1 || o.Duration < 0 {
				t.Errorf("observed %+v, want the decision %q on one image of a Pod", o, test.decision)
			}
			if limit := f.handler.Budget.Admission; o.Budget <= 0 || o.Budget > limit {
				t.Errorf("observed a budget of %s, want at most %s", o.Budget, limit)
			}
		})
	}
}

func TestModeOffAdmitsUnchecked(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeOff)
	wantUnchecked(t, f, create("Pod", podOf(absent)))
}

// Without its mode, an object is admitted unchecked: a caller may have invented the namespace.
func TestObjectOfAnUnknownNamespaceIsAdmittedUnchecked(t *testing.T) {
	t.Parallel()
	const unreadable, noLabel = "the mode of the namespace is unknown", "the namespace of the request is not a DNS label"
	tests := map[string]struct {
		namespace, want string
		cause           webhook.Cause
	}{
		"a namespace that cannot be read": {"other", unreadable, webhook.CauseMode},
		"no namespace":                    {"", noLabel, webhook.CauseObject},
		"a path":                          {"shop/secrets", noLabel, webhook.CauseObject},
		"a relative path":                 {"..", noLabel, webhook.CauseObject},
		"upper case":                      {"Shop", noLabel, webhook.CauseObject},
		"64 characters":                   {strings.Repeat("a", 64), noLabel, webhook.CauseObject},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			request := create("Pod", podOf(absent))
			request.Namespace = test.namespace
			want := admissionv1.AdmissionResponse{
				UID: request.UID, Allowed: true, Result: okStatus, Warnings: []string{"pullgate could not check the images: " + test.want},
			}
			if diff := cmp.Diff(want, f.review(t, request)); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			if len(f.checker.pods) != 0 {
				t.Errorf("checked %v, want none", f.checker.pods)
			}
			wantObserved(t, f, test.cause)
			if logged := strings.Contains(f.log.String(), errNoMode.Error()); logged != (test.want == unreadable) {
				t.Errorf("log = %s, want the cause of an unreadable mode", &f.log)
			}
		})
	}
}

func TestDryRunHasTheDecisionOfTheRealRun(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	request := create("Pod", podOf(absent))
	request.DryRun = new(true)
	if got := f.review(t, request); got.Allowed {
		t.Error("admitted, want the denial of the real run")
	}
	if got := f.logLines(t)[0]["dryRun"]; got != true {
		t.Errorf("dryRun = %v in the log, want true", got)
	}
}

func TestDenialNamesEveryUnpullableImage(t *testing.T) {
	t.Parallel()
	f := newFixture(policy.ModeEnforce)
	f.checker.verdicts = map[string]imagepull.Verdict{"Foo": {Reason: imagepull.ReasonInvalidImageName, Detail: "upper case"}}
	got := f.review(t, create("Pod", podOf(absent, busy, good, "Foo")))
	want := forbidden(absentLine + "\n" +
		`container "c3": image "Foo" cannot be pulled: InvalidImageName: upper case; correct the image name`)
	if diff := cmp.Diff(want, got.Result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
	if len(got.Warnings) != 0 {
		t.Errorf("warnings = %q, want none with a denial", got.Warnings)
	}
}

func TestActionsOverrideTheOutcome(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		image    string
		actions  map[imagepull.Reason]policy.Action
		allowed  bool
		warnings int
	}{
		"a denial as warning":               {absent, map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionWarn}, true, 1},
		"a denial as allow":                 {absent, map[imagepull.Reason]policy.Action{imagepull.ReasonNotFound: policy.ActionAllow}, true, 0},
		"an indeterminate reason as denial": {busy, map[imagepull.Reason]policy.Action{imagepull.ReasonRateLimited: policy.ActionDeny}, false, 0},
		"another reason":                    {absent, map[imagepull.Reason]policy.Action{imagepull.ReasonRateLimited: policy.ActionAllow}, false, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			f.handler.Actions = test.actions
			got := f.review(t, create("Pod", podOf(test.image)))
			if got.Allowed != test.allowed || len(got.Warnings) != test.warnings {
				t.Errorf("allowed = %t with the warnings %q, want %t with %d", got.Allowed, got.Warnings, test.allowed, test.warnings)
			}
		})
	}
}

// wantUnchecked checks that the object is admitted without a check, warning, audit annotation, metric or log line.
func wantUnchecked(t *testing.T, f *fixture, request admissionv1.AdmissionRequest) {
	t.Helper()
	want := admissionv1.AdmissionResponse{UID: request.UID, Allowed: true, Result: okStatus}
	if diff := cmp.Diff(want, f.review(t, request)); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	if len(f.checker.pods) != 0 || len(f.observed) != 0 || f.log.Len() != 0 {
		t.Errorf("checked %v, observed %v, logged %q, want none", f.checker.pods, f.observed, &f.log)
	}
}

// wantObserved checks that the only observation is an object that was admitted unchecked.
func wantObserved(t *testing.T, f *fixture, cause webhook.Cause) {
	t.Helper()
	if diff := cmp.Diff([]webhook.Observation{{Unchecked: cause}}, f.observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}
