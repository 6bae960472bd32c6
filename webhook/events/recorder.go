// Package events records denials as Events. The author of a Deployment does not see the response to the pods of its ReplicaSet.
//
//	r := events.NewRecorder(client)
//	r.PodDenied("shop", controller, message)
//	r.Close()
//
// No call waits for the API server. A goroutine sends the Events. It drops an Event that exceeds its queue or the rate of a namespace.
package events

import (
	"regexp"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

const (
	// reasonPodDenied is the reason of an Event.
	reasonPodDenied = "PodDenied"
	// component is the source of an Event.
	component = "pullgate"
	// maxMessage bounds the message of an Event in bytes, as the API events.k8s.io does.
	maxMessage = 1024

	// burst and rate, in Events per second, bound the requests for one namespace: new Events, and new counts of repeated ones. The
	// authors of pods choose how many are denied.
	burst = 25
	rate  = 1. / 10
)

// Recorder records Events.
type Recorder struct {
	broadcaster record.EventBroadcaster
	recorder    record.EventRecorder
}

// NewRecorder returns a recorder that creates and patches Events. The client has a limit for the rate of all requests. The caller
// closes the recorder.
func NewRecorder(client corev1client.EventsGetter) *Recorder {
	// The recorder of package tools/events has no limit for the rate.
	broadcaster := record.NewBroadcaster(record.WithCorrelatorOptions(record.CorrelatorOptions{
		BurstSize: burst, QPS: rate, SpamKeyFunc: func(e *corev1.Event) string { return e.Namespace },
	}))
	broadcaster.StartRecordingToSink(&corev1client.EventSinkImpl{Interface: client.Events("")})
	// The scheme is not used for references.
	return &Recorder{broadcaster, broadcaster.NewRecorder(runtime.NewScheme(), corev1.EventSource{Component: component})}
}

// Close stops the recorder. Events that are still in the queue are dropped.
func (r *Recorder) Close() { r.broadcaster.Shutdown() }

// PodDenied records an Event about the controller that tried to create the pod. Without one, the Event is about the namespace.
// Repeated Events increase the count of the first one.
func (r *Recorder) PodDenied(namespace string, controller *metav1.OwnerReference, message string) {
	r.recorder.Event(reference(namespace, controller), corev1.EventTypeWarning, reasonPodDenied, truncate(message))
}

// reference returns the object of an Event. An Event about a namespace is in that namespace, where its users look.
func reference(namespace string, controller *metav1.OwnerReference) *corev1.ObjectReference {
	if controller == nil || !isValid(controller) {
		return &corev1.ObjectReference{APIVersion: "v1", Kind: "Namespace", Namespace: namespace, Name: namespace}
	}
	return &corev1.ObjectReference{
		APIVersion: controller.APIVersion, Kind: controller.Kind, Namespace: namespace, Name: controller.Name, UID: controller.UID,
	}
}

var (
	apiVersionPattern = regexp.MustCompile(`^([a-z0-9.-]{1,253}/)?[a-z0-9]{1,63}$`)
	kindPattern       = regexp.MustCompile(`^[A-Za-z0-9]{1,63}$`)
	uidPattern        = regexp.MustCompile(`^[0-9A-Za-z-]{1,64}$`)
)

// isValid reports whether a reference can name an object. A caller other than the API server can send any text, of any length.
func isValid(o *metav1.OwnerReference) bool {
	return apiVersionPattern.MatchString(o.APIVersion) && kindPattern.MatchString(o.Kind) && uidPattern.MatchString(string(o.UID)) &&
		len(validation.IsDNS1123Subdomain(o.Name)) == 0
}

// truncate returns the start of a message.
func truncate(message string) string {
	const ellipsis = "…"
	if len(message) <= maxMessage {
		return message
	}
	end := maxMessage - len(ellipsis)
	for !utf8.RuneStart(message[end]) {
		end--
	}
	return message[:end] + ellipsis
}
