package webhook

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
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

// Path is where the API server finds the webhook, for every kind.
const Path = "/validate"

// Checker foretells the pulls of a pod on the nodes that its spec lets it run on, with one finding for each use, before the
// context's deadline.
type Checker interface {
	Check(ctx context.Context, pod imagepull.Pod, spec *corev1.PodSpec) []imagepull.Finding
}

// Modes tells the mode of a namespace.
type Modes interface {
	Mode(ctx context.Context, namespace string) (policy.Mode, error)
}

// Observation is one decision, for metrics: nothing in it is secret.
type Observation struct {
	Mode     policy.Mode
	Kind     string
	Decision string
	Findings []imagepull.Finding
	Duration time.Duration
}

// Handler answers admission requests. All fields but Actions are required.
type Handler struct {
	Checker Checker
	Modes   Modes
	Actions map[imagepull.Reason]policy.Action
	Budget  Budget
	// Observe is told of every decision on images.
	Observe func(Observation)
	Log     *slog.Logger
}

var _ admission.Handler = (*Handler)(nil)

// Handle decides on one object. It never returns an error: what Pullgate can't judge is admitted with a warning.
func (h *Handler) Handle(ctx context.Context, req admission.Request) (resp admission.Response) {
	// controller-runtime takes JSON of any kind for a review; only a real one has a uid.
	if req.UID != "" {
		markReached(ctx)
	}
	defer func() {
		// controller-runtime would turn a panic into a refusal.
		if r := recover(); r != nil {
			what, stack := describe(r)
			h.Log.ErrorContext(ctx, "panic while deciding", "panic", what, "stack", stack, "uid", req.UID)
			resp = allowedWithWarning("pullgate could not check the images: internal error")
		}
	}()
	// The server's context ends with the signal to stop, in the middle of a question. The API server is owed an answer all
	// the same, and the budget bounds the time until then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.Budget.of(ctx))
	defer cancel()
	if req.Kind.Kind == "Namespace" && req.Kind.Group == "" {
		return h.namespace(req)
	}
	return h.object(ctx, req)
}

// describe says what a panic was and where, but not its text: that could hold anything.
func describe(panicked any) (what, stack string) {
	if p, ok := panicked.(*parallel.PanicError); ok {
		return p.Error(), p.Stack()
	}
	return fmt.Sprintf("%T", panicked), string(debug.Stack())
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
	object, err := subject(req)
	if err != nil {
		return h.notUnderstood(ctx, req, mode, err)
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

// mode is that of the object's namespace; where it can't be known nobody is refused.
func (h *Handler) mode(ctx context.Context, req admission.Request) policy.Mode {
	mode, err := h.Modes.Mode(ctx, req.Namespace)
	if err != nil {
		h.Log.WarnContext(ctx, "mode not known, warning only", "namespace", req.Namespace, "error", err)
		return policy.ModeWarn
	}
	return mode
}

// notUnderstood admits an object that Pullgate can't read, and says so unless the mode is a silent one.
func (h *Handler) notUnderstood(ctx context.Context, req admission.Request, mode policy.Mode, err error) admission.Response {
	h.Log.WarnContext(ctx, "object not understood", "kind", req.Kind.Kind, "namespace", req.Namespace, "name", req.Name,
		"uid", req.UID, "error", err)
	if mode == policy.ModeAudit {
		return allowed()
	}
	return allowedWithWarning("pullgate could not check the images: " + err.Error())
}

// subject reads from a request what is to be checked: on an update, the images that it changes.
func subject(req admission.Request) (podspec.Object, error) {
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

// observe writes the one log line of a decision, and passes it on.
func (h *Handler) observe(ctx context.Context, req admission.Request, d policy.Decision, o Observation) {
	o.Decision = verb(d)
	h.Observe(o)
	h.Log.InfoContext(ctx, "decided",
		"decision", o.Decision, "mode", o.Mode, "kind", o.Kind, "operation", req.Operation,
		"namespace", req.Namespace, "name", req.Name, "uid", req.UID, "user", req.UserInfo.Username,
		"dryRun", req.DryRun != nil && *req.DryRun,
		"images", len(o.Findings), "findings", logged(d.Audited), "origins", origins(o.Findings),
		"duration", o.Duration)
}

// verb names a decision in logs and metrics.
func verb(d policy.Decision) string {
	switch {
	case !d.Allowed():
		return "deny"
	case len(d.Warnings) > 0:
		return "warn"
	}
	return "allow"
}

// logged is what the log says of findings that are not simply fine.
func logged(findings []imagepull.Finding) []string {
	texts := make([]string, 0, len(findings))
	for _, f := range told(findings) {
		texts = append(texts, fmt.Sprintf("%s %q %s: %s", f.Path, report.Bounded(f.Image), f.Reason, f.Detail))
	}
	return texts
}

// origins says where each verdict came from, in the order of the images.
func origins(findings []imagepull.Finding) []string {
	words := make([]string, 0, len(findings))
	for _, f := range findings {
		words = append(words, f.Provenance())
	}
	return words
}
