package main

import (
	"bytes"
	"log/slog"
	"net"
	"os"
	"strconv"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"
)

// shippedPod returns the pod of the Deployment in the manifests.
func shippedPod(t *testing.T) corev1.PodSpec {
	t.Helper()
	data, err := os.ReadFile("../../manifests/base/50-deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	if err := yaml.UnmarshalStrict(data, &deployment); err != nil {
		t.Fatal(err)
	}
	return deployment.Spec.Template.Spec
}

// The manifests have the flags, the ports and the environment variables of the command.
func TestShippedDeploymentMatchesTheCommand(t *testing.T) {
	t.Parallel()
	container := shippedPod(t).Containers[0]
	command := newRootCommand(genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &bytes.Buffer{}, ErrOut: &bytes.Buffer{}})
	serve, args, err := command.Find(container.Args)
	if err != nil || serve.Name() != "serve" {
		t.Fatalf("args %q run %q: %v", container.Args, serve.Name(), err)
	}
	if err := serve.ParseFlags(args); err != nil {
		t.Fatalf("args %q: %v", args, err)
	}
	ports := make(map[string]int32)
	for _, p := range container.Ports {
		ports[p.Name] = p.ContainerPort
	}
	want := map[string]int32{"webhook": defaultWebhookPort, "metrics": portOf(t, defaultMetricsAddr), "health": portOf(t, defaultHealthAddr)}
	for name, port := range want {
		if ports[name] != port {
			t.Errorf("port %s is %d, the command's is %d", name, ports[name], port)
		}
	}
	variables := make(map[string]bool)
	for _, v := range container.Env {
		variables[v.Name] = true
	}
	for _, name := range []string{namespaceVariable, certDirVariable} {
		if !variables[name] {
			t.Errorf("the variable %s is not set", name)
		}
	}
}

// The kubelet kills a pod after its grace period, which includes preStop.
func TestGracePeriodFitsTheShutdown(t *testing.T) {
	t.Parallel()
	pod := shippedPod(t)
	preStop := time.Duration(pod.Containers[0].Lifecycle.PreStop.Sleep.Seconds) * time.Second
	grace := time.Duration(*pod.TerminationGracePeriodSeconds) * time.Second
	if preStop < 5*time.Second {
		t.Errorf("preStop waits %s, want 5s at least: the replica leaves the Service in that time", preStop)
	}
	o := managerOptions(serveOptions{}, newAPIServerGate(slog.New(slog.DiscardHandler), nil))
	if got := o.GracefulShutdownTimeout; got == nil || *got != shutdownGrace {
		t.Errorf("the manager waits %v for requests in flight, want %s", got, shutdownGrace)
	}
	if needed := preStop + defaultShutdownDelay + shutdownGrace; grace <= needed {
		t.Errorf("the grace period is %s, want more than %s", grace, needed)
	}
}

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return int32(port)
}
