package podspec

import (
	"strings"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

const (
	// istioImage is the placeholder for the image of Istio's proxy, in the pods of gateways and where the proxy has settings of
	// its own (istio: pkg/config/analysis/analyzers/injection/image-auto.go).
	istioImage = "auto"
	// istioProxy is the container that Istio injects by default (istio: pkg/kube/inject/inject.go, ProxyContainerName).
	istioProxy = "istio-proxy"
	// istioInject is the label that requests the injection.
	istioInject = "sidecar.istio.io/inject"
)

// injects reports whether Istio replaces the image of a container. Pods that request the injection, or a template of Istio, may
// have the placeholder in a container of any name. In other pods it is the container of the proxy, and a label of the namespace
// requests the injection.
//
// The label has precedence over the annotation (istio: pkg/kube/inject/inject.go, injectRequired).
func (m *metadata) injects(use imagepull.Use) bool {
	if use.Image != istioImage {
		return false
	}
	inject := m.Annotations.IstioInject
	if label, ok := m.Labels[istioInject]; ok {
		inject = label
	}
	switch strings.ToLower(inject) {
	case "y", "yes", "true", "on":
		return true
	case "":
		return m.Annotations.IstioTemplates != "" || use.Name == istioProxy
	}
	return false
}
