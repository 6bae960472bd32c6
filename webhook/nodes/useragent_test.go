package nodes_test

import (
	"strconv"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestRuntimeUserAgentIsOfTheMostCommonRuntime(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		runtimes []string
		want     string
	}{
		"no node":                 {nil, ""},
		"no runtime":              {[]string{""}, ""},
		"containerd":              {[]string{"containerd://2.4.2"}, "containerd/2.4.2"},
		"of a distribution":       {[]string{"containerd://1.7.23-k3s2"}, "containerd/1.7.23-k3s2"},
		"CRI-O":                   {[]string{"cri-o://1.37.0"}, "cri-o/1.37.0"},
		"Docker":                  {[]string{"docker://27.5.1"}, "docker/27.5.1"},
		"most nodes":              {[]string{"containerd://2.4.2", "containerd://1.7.27", "containerd://1.7.27"}, "containerd/1.7.27"},
		"as many nodes":           {[]string{"containerd://1.7.27", "containerd://2.4.2"}, "containerd/2.4.2"},
		"an unknown runtime":      {[]string{"frakti://1.0", "frakti://1.0", "containerd://2.4.2"}, "containerd/2.4.2"},
		"a version with a space":  {[]string{"containerd://2 4"}, ""},
		"a version with a line":   {[]string{"containerd://2\r\nX: y"}, ""},
		"a version with brackets": {[]string{"containerd://2(x)"}, ""},
		"no version":              {[]string{"containerd://"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var all []corev1.Node
			for i, runtime := range tt.runtimes {
				all = append(all, newNode(strconv.Itoa(i), "linux/amd64", withRuntime(runtime)))
			}
			if got := newSnapshot(t, "", all...).RuntimeUserAgent(); got != tt.want {
				t.Errorf("RuntimeUserAgent() = %q, want %q", got, tt.want)
			}
		})
	}
}
