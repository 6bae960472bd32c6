package podspec

import (
	"fmt"
	"strings"
	"testing"
)

// benchmarkPod returns a pod with three containers, each of about the size of a typical one.
func benchmarkPod() []byte {
	const container = `{"name":"c%d","image":"registry.example/shop/service-%d:1.0","imagePullPolicy":"IfNotPresent",` +
		`"args":["--listen=:8080"],"ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],` +
		`"env":[{"name":"A","value":"b"},{"name":"URL","valueFrom":{"secretKeyRef":{"name":"database","key":"url"}}}],` +
		`"resources":{"limits":{"memory":"128Mi"},"requests":{"cpu":"50m","memory":"64Mi"}},` +
		`"volumeMounts":[{"name":"token","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}],` +
		`"readinessProbe":{"httpGet":{"path":"/healthz","port":8080,"scheme":"HTTP"},"timeoutSeconds":1,"periodSeconds":10},` +
		`"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}`
	var containers []string
	for i := range 3 {
		containers = append(containers, fmt.Sprintf(container, i, i))
	}
	return []byte(`{"apiVersion":"v1","kind":"Pod","metadata":{"generateName":"web-6d4cf56db6-","namespace":"shop",` +
		`"labels":{"app":"web","pod-template-hash":"6d4cf56db6"}},"spec":{"containers":[` + strings.Join(containers, ",") + `],` +
		`"imagePullSecrets":[{"name":"regcred"}],"restartPolicy":"Always","serviceAccountName":"default",` +
		`"volumes":[{"name":"token","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}}]}}],` +
		`"tolerations":[{"key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute","tolerationSeconds":300}]}}`)
}

func BenchmarkDecode(b *testing.B) {
	raw := benchmarkPod()
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if object, err := Decode(raw); err != nil || len(object.Pod.Uses) != 3 {
			b.Fatalf("Decode() = %d uses, %v; want 3", len(object.Pod.Uses), err)
		}
	}
}

func BenchmarkImage(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if use := Image("registry.example:5000/shop/web:1.27"); use.ParseError != "" {
			b.Fatal(use.ParseError)
		}
	}
}
