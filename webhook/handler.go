package webhook

import (
	"context"
	"errors"
	"log/slog"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/policy"
	"github.com/pullgate/pullgate/webhook/report"
)

// Path is the URL path of the webhook, for every kind.
const Path = "/validate"

// Checker predicts the pulls of a pod on the nodes that match its spec. It returns one finding for each use before the
// context's deadline.
type Checker interface {
	Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding
}

// Modes returns the mode of a namespace.
type Modes interface {
	Mode(ctx context.Context, namespace string) (policy.Mode, error)
}

// Observation describes one decision or refused request, for metrics, traces and Events. It holds no secrets.
type Observation struct {
	// Refused is set if the request is not a valid review. All other fields are empty then.
	Refused bool
	// Unchecked is the cause for which an object was admitted unchecked, or empty. The fields below are empty then.
	Unchecked Cause

	UID       types.UID
	Namespace string
	Mode      policy.Mode
	Kind      string
	Decision  string
	Findings  []imagepull.Finding
	// Duration is the time that the decision took, and Budget the time until the response was due, or 0 if
	// no image was checked.
	Duration, Budget time.Duration
	// Denial is set if the object is denied, unless the request is a dry run.
	Denial *Denial
}

// Denial describes an object that is denied.
type Denial struct {
	// Controller is the object that tried to create the denied one, or nil.
	Controller *metav1.OwnerReference
	// Message is the message of the response.
	Message string
}

// Handler decides on admission requests; see Endpoint. All fields but Actions and Exemptions are required.
type Handler struct {
	Checker Checker
	Modes   Modes
	Actions map[imagepull.Reason]policy.Action
	// Exemptions select objects that are admitted unchecked. The mode "off" has priority, since it needs no record.
	Exemptions policy.Exemptions
	Budget     Budget
	// Observe is called with every decision on images, with every object that is admitted because it cannot be checked, and with
	// every request that is refused.
	Observe func(context.Context, Observation)
	Log     *slog.Logger
}

var (
	errNamespace = errors.New("the namespace of the request is not a DNS label")
	errMode      = errors.New("the mode of the namespace is unknown")
)

// notChecked starts the warning about an object that Pullgate cannot check.
const notChecked = "pullgate could not check the images: "

// decide returns the response to a request.
func (h *Handler) decide(ctx context.Context, req *request) *admissionv1.AdmissionResponse {
	response := validateModeLabel(req.labels)
	if !req.isNamespace() {
		response = h.object(ctx, req)
	}
	response.UID = req.UID
	return response
}

// panicked returns the response after a panic. The log has the type and the stack of the panic, but not its text, which may be
// secret.
func (h *Handler) panicked(ctx context.Context, req *request, recovered any) *admissionv1.AdmissionResponse {
	err := parallel.NewPanicError(recovered)
	h.Log.ErrorContext(ctx, "panic while deciding", "panic", err.Error(), "stack", err.Stack(), "uid", req.UID)
	h.Observe(ctx, Observation{Unchecked: CausePanic})
	response := allowedWithWarning(notChecked + "internal error")
	response.UID = req.UID
	return response
}

// object decides on a pod or a workload. It admits an object that cannot be checked.
func (h *Handler) object(ctx context.Context, req *request) *admissionv1.AdmissionResponse {
	if req.Operation == admissionv1.Delete {
		return allowed()
	}
	start := time.Now()
	mode, err := h.mode(ctx, req)
	if err == nil {
		err = req.problem
	}
	object := req.target
	switch {
	case mode == policy.ModeOff:
		return allowed()
	case err != nil:
		return h.unchecked(ctx, req, mode, err)
	case object.Mirror || object.Deleting || len(object.Pod.Uses) == 0:
		return allowed()
	}
	if by := h.Exemptions.ExemptedBy(req.subject()); by != "" {
		return h.exempt(ctx, req, by, Observation{
			UID: req.UID, Namespace: req.Namespace, Mode: mode, Kind: object.Kind, Duration: time.Since(start),
		})
	}
	findings := h.Checker.Check(ctx, object.Pod, object.Spec)
	decision := policy.Decide(policy.Input{
		Mode: mode, Actions: h.Actions, Template: object.Template, Findings: findings,
	})
	h.observe(ctx, req, decision, Observation{
		UID: req.UID, Namespace: req.Namespace, Mode: mode, Kind: object.Kind, Findings: findings,
		Duration: time.Since(start), Budget: budgetAt(ctx, start),
	})
	return respond(decision)
}

// mode returns the namespace's mode. The error is for the caller; the log has its cause.
func (h *Handler) mode(ctx context.Context, req *request) (policy.Mode, error) {
	if len(validation.IsDNS1123Label(req.Namespace)) > 0 {
		return "", errNamespace // it must not become part of a path
	}
	mode, err := h.Modes.Mode(ctx, req.Namespace)
	if err != nil {
		h.Log.WarnContext(ctx, "cannot read the mode", "namespace", req.Namespace, "error", err)
		return "", errMode
	}
	return mode, nil
}

// unchecked admits an object that cannot be checked, with a warning unless the mode is audit.
func (h *Handler) unchecked(ctx context.Context, req *request, mode policy.Mode, err error) *admissionv1.AdmissionResponse {
	h.Log.WarnContext(ctx, "cannot check object", "kind", report.Bounded(req.Kind.Kind), "namespace", report.Bounded(req.Namespace),
		"name", report.Bounded(req.Name), "uid", req.UID, "error", err)
	h.Observe(ctx, Observation{Unchecked: causeOf(err)})
	if mode == policy.ModeAudit {
		return allowed()
	}
	return allowedWithWarning(notChecked + err.Error())
}

// exempt admits an object that an exemption selects. The log, the audit and the metrics have a record of it.
func (h *Handler) exempt(ctx context.Context, req *request, by policy.Exemption, o Observation) *admissionv1.AdmissionResponse {
	o.Decision = "exempt"
	h.Observe(ctx, o)
	h.Log.InfoContext(ctx, "exempted",
		"by", by, "mode", o.Mode, "kind", o.Kind, "operation", req.Operation, "namespace", req.Namespace,
		"name", report.Bounded(req.Name), "uid", req.UID, "user", report.Bounded(req.UserInfo.Username), "dryRun", req.DryRun)
	return exempted(by)
}

// observe logs a decision and passes it to Observe.
func (h *Handler) observe(ctx context.Context, req *request, d policy.Decision, o Observation) {
	o.Decision = decisionName(d)
	if !d.Allowed() && !req.DryRun {
		o.Denial = &Denial{Controller: req.target.Controller, Message: message(d.Denials)}
	}
	h.Observe(ctx, o)
	h.Log.InfoContext(ctx, "decided",
		"decision", o.Decision, "mode", o.Mode, "kind", o.Kind, "operation", req.Operation,
		"namespace", req.Namespace, "name", report.Bounded(req.Name), "uid", req.UID, "user", report.Bounded(req.UserInfo.Username),
		"dryRun", req.DryRun,
		"images", len(o.Findings), "findings", loggedFindings(o.Findings), "duration", o.Duration)
}

// decisionName returns the name of a decision in logs and metrics.
func decisionName(d policy.Decision) string {
	switch {
	case !d.Allowed():
		return "deny"
	case len(d.Warnings) > 0:
		return "warn"
	}
	return "allow"
}
