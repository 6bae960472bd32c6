package webhook_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionv1 "k8s.io/api/admission/v1"

	"github.com/pullgate/pullgate/webhook"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/policy"
)

// panicElsewhere returns a panic that was recovered in another goroutine.
func panicElsewhere() *parallel.PanicError {
	recovered := make(chan *parallel.PanicError)
	go func() { recovered <- parallel.Recover(func() { panic("s3cr3t") }) }()
	return <-recovered
}

// A defect of Pullgate denies nothing. The text of a panic may be secret.
func TestPanicAdmitsTheObject(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		panicking   any
		kind, stack string
	}{
		"an error":               {errors.New("s3cr3t"), "panic of *errors.errorString", "TestPanicAdmitsTheObject"},
		"a text":                 {"s3cr3t", "panic of string", "TestPanicAdmitsTheObject"},
		"from another goroutine": {panicElsewhere(), "panic of string", "panicElsewhere"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(policy.ModeEnforce)
			f.checker.panicking = test.panicking
			request := create("Pod", podOf(absent))
			want := admissionv1.AdmissionResponse{
				UID: request.UID, Allowed: true, Result: okStatus,
				Warnings: []string{"pullgate could not check the images: internal error"},
			}
			if diff := cmp.Diff(want, f.review(t, request)); diff != "" {
				t.Errorf("response (-want +got):\n%s", diff)
			}
			wantObserved(t, f, webhook.CausePanic)
			lines := f.logLines(t)
			if len(lines) != 1 {
				t.Fatalf("log = %v, want one line", lines)
			}
			if lines[0]["level"] != "ERROR" || lines[0]["panic"] != test.kind || lines[0]["uid"] != string(request.UID) {
				t.Errorf("log = %v, want an error with %q", lines[0], test.kind)
			}
			if stack, _ := lines[0]["stack"].(string); !strings.Contains(stack, test.stack) {
				t.Errorf("stack = %s, want it to name %s", stack, test.stack)
			}
			if strings.Contains(f.log.String(), "s3cr3t") {
				t.Errorf("log = %s, want no text of the panic", &f.log)
			}
		})
	}
}
