package truth

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Outcome is the result of pulling a pod's images on the real node.
type Outcome string

// The outcomes. A pod has the worst outcome of its containers.
const (
	// Pulled means that every image was present for its container, even if the container could not start.
	Pulled Outcome = "Pulled"
	// PulledLater is Pulled after a failed attempt.
	PulledLater Outcome = "PulledLater"
	// Failed means that the kubelet failed to pull an image and backs off, or did not try.
	Failed Outcome = "Failed"
	// Hanging means that a pull did not succeed or fail within the time limit.
	Hanging Outcome = "Hanging"
)

// Recorded is the result on the kubelet.
type Recorded struct {
	Outcome Outcome `json:"outcome"`
	// Reason is the container's reason, such as ImagePullBackOff.
	Reason string `json:"reason,omitempty"`
	// Message is the kubelet's message without the parts that change from run to run.
	Message string `json:"message,omitempty"`
}

// Same reports whether two results are the same. A failing pull has one reason after a failure and another between
// attempts.
func (r Recorded) Same(other Recorded) bool {
	return r.Outcome == other.Outcome && (r.Reason == other.Reason || r.isPull() && other.isPull())
}

func (r Recorded) isPull() bool { return r.Reason == "ErrImagePull" || r.Reason == "ImagePullBackOff" }

// Observe returns the result so far from a pod's status. It returns false if the result may still change.
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
			// After the first failure the kubelet does not back off yet, and the next attempt may succeed.
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

// observe is Observe for one container. A waiting container has the kubelet's pull error as its reason. Every reason
// that is not known for another cause is such an error (kubelet: pkg/kubelet/kuberuntime/kuberuntime_manager.go).
func observe(status *corev1.ContainerStatus) Recorded {
	waiting := status.State.Waiting
	switch {
	case waiting == nil:
		return Recorded{Outcome: Pulled} // the container runs or ran
	case waiting.Reason == "" || waiting.Reason == "ContainerCreating" || waiting.Reason == "PodInitializing":
		return Recorded{Outcome: Hanging}
	case slices.Contains(startFailures(), waiting.Reason):
		return Recorded{Outcome: Pulled}
	}
	return Recorded{Outcome: Failed, Reason: waiting.Reason, Message: plain(waiting.Message)}
}

// startFailures returns the reasons of containers whose image is present.
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

// plain removes the parts of a message that change from run to run.
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
