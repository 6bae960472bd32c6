package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/podspec"
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

// Observation describes one decision, for metrics. It holds no secrets.
type Observation struct {
	Mode     policy.Mode
	Kind     string
	Decision string
	Findings []imagepull.Finding
	Duration time.Duration
}

// Handler responds to admission requests. All fields but Actions are required.
type Handler struct {
	Checker Checker
	Modes   Modes
	Actions map[imagepull.Reason]policy.Action
	Budget  Budget
	// Observe is called with every decision on images.
	Observe func(Observation)
	Log     *slog.Logger
}

var _ admission.Handler = (*Handler)(nil)

// Handle decides on one object. It admits an object that Pullgate cannot check, with a warning.
func (h *Handler) Handle(ctx context.Context, req admission.Request) (resp admission.Response) {
	// controller-runtime accepts any JSON as a review. Only a valid one has a UID.
	if req.UID != "" {
		markDecoded(ctx)
	}
	defer func() {
		// controller-runtime would turn a panic into a denial.
		if r := recover(); r != nil {
			text, stack := describe(r)
			h.Log.ErrorContext(ctx, "panic while deciding", "panic", text, "stack", stack, "uid", req.UID)
			resp = allowedWithWarning("pullgate could not check the images: internal error")
		}
	}()
	// The server's context ends on a signal to stop, while requests are in progress. The API server still needs the
	// response, and the budget bounds the time until then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.Budget.of(ctx))
	defer cancel()
	if req.Kind.Kind == "Namespace" && req.Kind.Group == "" {
		return validateModeLabel(req)
	}
	return h.object(ctx, req)
}

// describe returns the type and the stack of a panic, but not its text, which may be secret.
func describe(recovered any) (text, stack string) {
	err := parallel.NewPanicError(recovered)
	return err.Error(), err.Stack()
}

// object decides on a pod or a workload.
func (h *Handler) object(ctx context.Context, req admission.Request) admission.Response {
	if req.Operation == admissionv1.Delete {
		return allowed()
	}
	start := time.Now()
	mode := h.mode(ctx, req)
	if mode == policy.ModeOff {
		return allowed()
	}
	object, err := target(req)
	if err != nil {
		return h.undecodable(ctx, req, mode, err)
	}
	if object.Mirror || object.Deleting || len(object.Pod.Uses) == 0 {
		return allowed()
	}
	findings := h.Checker.Check(ctx, object.Pod, object.Spec)
	decision := policy.Decide(policy.Input{
		Mode: mode, Actions: h.Actions, Template: object.Template, Findings: findings,
	})
	h.observe(ctx, req, decision, Observation{
		Mode: mode, Kind: object.Kind, Findings: findings, Duration: time.Since(start),
	})
	return respond(decision)
}

// mode returns the namespace's mode, or ModeWarn if it cannot be read.
func (h *Handler) mode(ctx context.Context, req admission.Request) policy.Mode {
	mode, err := h.Modes.Mode(ctx, req.Namespace)
	if err != nil {
		h.Log.WarnContext(ctx, "cannot read the mode, using warn", "namespace", req.Namespace, "error", err)
		return policy.ModeWarn
	}
	return mode
}

// undecodable admits an object that Pullgate cannot decode, with a warning unless the mode is audit.
func (h *Handler) undecodable(ctx context.Context, req admission.Request, mode policy.Mode, err error) admission.Response {
	h.Log.WarnContext(ctx, "cannot decode object", "kind", req.Kind.Kind, "namespace", req.Namespace, "name", req.Name,
		"uid", req.UID, "error", err)
	if mode == policy.ModeAudit {
		return allowed()
	}
	return allowedWithWarning("pullgate could not check the images: " + err.Error())
}

// target decodes the object of a request. Of an update it keeps only the changed images.
func target(req admission.Request) (podspec.Object, error) {
	object, err := podspec.Decode(req.Object.Raw)
	if err != nil {
		return podspec.Object{}, err
	}
	object.Pod.Namespace = req.Namespace
	if req.Operation != admissionv1.Update {
		return object, nil
	}
	old, err := podspec.Decode(req.OldObject.Raw)
	if err != nil {
		return podspec.Object{}, err
	}
	old.Pod.Namespace = req.Namespace
	return object.ChangedSince(old), nil
}

// observe logs a decision and passes it to Observe.
func (h *Handler) observe(ctx context.Context, req admission.Request, d policy.Decision, o Observation) {
	o.Decision = decisionName(d)
	h.Observe(o)
	h.Log.InfoContext(ctx, "decided",
		"decision", o.Decision, "mode", o.Mode, "kind", o.Kind, "operation", req.Operation,
		"namespace", req.Namespace, "name", req.Name, "uid", req.UID, "user", req.UserInfo.Username,
		"dryRun", req.DryRun != nil && *req.DryRun,
		"images", len(o.Findings), "findings", logTexts(d.Audited), "origins", origins(o.Findings),
		"duration", o.Duration)
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

// logTexts returns a text for each finding, for the log.
func logTexts(findings []imagepull.Finding) []string {
	texts := make([]string, 0, len(findings))
	for _, f := range truncate(findings) {
		texts = append(texts, fmt.Sprintf("%s %q %s: %s", f.Path, report.Bounded(f.Image), f.Reason, f.Detail))
	}
	return texts
}

// origins returns the origin of each verdict, in the order of the images.
func origins(findings []imagepull.Finding) []string {
	words := make([]string, 0, len(findings))
	for _, f := range findings {
		words = append(words, f.Provenance())
	}
	return words
}
