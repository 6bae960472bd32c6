package truth

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Outcome is what became of a pod's images on the real node.
type Outcome string

// The outcomes. A pod has the worst of its containers'.
const (
	// Pulled: every image was there for its container, whether or not that could start.
	Pulled Outcome = "Pulled"
	// PulledLater: the same, after a pull had failed.
	PulledLater Outcome = "PulledLater"
	// Failed: the kubelet gave an image up and backed off, or never tried.
	Failed Outcome = "Failed"
	// Hanging: a pull neither succeeded nor failed for as long as it was looked at.
	Hanging Outcome = "Hanging"
)

// Recorded is what the kubelet did.
type Recorded struct {
	Outcome Outcome `json:"outcome"`
	// Reason is the container's own, such as ImagePullBackOff.
	Reason string `json:"reason,omitempty"`
	// Message is the kubelet's, without what changes from run to run.
	Message string `json:"message,omitempty"`
}

// Same reports whether the kubelet did the same: a failing pull goes by one name right after it failed, and by another between
// attempts.
func (r Recorded) Same(other Recorded) bool {
	return r.Outcome == other.Outcome && (r.Reason == other.Reason || r.isPull() && other.isPull())
}

func (r Recorded) isPull() bool { return r.Reason == "ErrImagePull" || r.Reason == "ImagePullBackOff" }

// Observe reads off a pod's status what has become of its images so far. Done is false while that may still change: then
// what is returned is what would stand if nothing more came.
func Observe(pod *corev1.Pod) (r Recorded, done bool) {
	statuses := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses, pod.Status.EphemeralContainerStatuses)
	want := len(pod.Spec.InitContainers) + len(pod.Spec.Containers) + len(pod.Spec.EphemeralContainers)
	if len(statuses) < want {
		return Recorded{Outcome: Hanging}, false
	}
	done = true
	for i := range statuses {
		switch one := observe(&statuses[i]); one.Outcome {
		case Failed:
			// The first failure is not yet a back-off, and the next attempt may succeed.
			return one, one.Reason != "ErrImagePull"
		case Hanging:
			done = false
		case Pulled, PulledLater:
		}
	}
	if !done {
		return Recorded{Outcome: Hanging}, false
	}
	return Recorded{Outcome: Pulled}, true
}

// observe is Observe for one container. The kubelet's own errors of pulling are the reasons of waiting containers, word for
// word: whatever is not known for something else is one of them (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go).
func observe(status *corev1.ContainerStatus) Recorded {
	waiting := status.State.Waiting
	switch {
	case waiting == nil:
		return Recorded{Outcome: Pulled} // it runs, or has run
	case waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing":
		return Recorded{Outcome: Hanging}
	case slices.Contains(startFailures(), waiting.Reason):
		return Recorded{Outcome: Pulled}
	}
	return Recorded{Outcome: Failed, Reason: waiting.Reason, Message: plain(waiting.Message)}
}

// startFailures are reasons of containers whose image is there.
func startFailures() []string {
	return []string{
		"CreateContainerConfigError", "CreateContainerError", "PreCreateHookError", "PreStartHookError", "PostStartHookError",
		"RunContainerError", "CrashLoopBackOff", "StartError",
	}
}

var (
	address = regexp.MustCompile(`\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?(->\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(:\d+)?)?`)
	digest  = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	times   = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`)
	folder  = regexp.MustCompile(`(/[^/\s":]+)+/cluster/`)
	key     = regexp.MustCompile(`\b(extract-|containerd-mount)[0-9A-Za-z_-]+`)
)

// plain leaves out of a message what changes from run to run.
func plain(message string) string {
	for _, p := range []struct {
		pattern *regexp.Regexp
		word    string
	}{{digest, "DIGEST"}, {address, "ADDRESS"}, {times, "TIME"}, {folder, "CLUSTER/"}, {key, "${1}KEY"}} {
		message = p.pattern.ReplaceAllString(message, p.word)
	}
	message = strings.Join(strings.Fields(message), " ")
	const longest = 400
	if len(message) > longest {
		message = message[:longest] + "…"
	}
	return message
}
