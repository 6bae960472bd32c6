package credentials

import (
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"
)

// benchmarkSource remembers a secret for as many registries as a company may have.
func benchmarkSource(b *testing.B) *Source {
	b.Helper()
	logins := []string{"registry.example=alice"}
	for i := range 20 {
		logins = append(logins, fmt.Sprintf("registry-%d.example=bob", i))
	}
	secrets := fake.NewClientset(&corev1.SecretList{Items: []corev1.Secret{*pullSecret("regcred", config(logins...))}})
	// Time stands still, so that what is remembered stays so.
	clock := clocktesting.NewFakePassiveClock(metav1.Now().Time)
	source, err := NewSource(Options{Client: secrets.CoreV1(), Clock: clock})
	if err != nil {
		b.Fatal(err)
	}
	source.Credentials(b.Context(), shopPod("regcred"), false)
	return source
}

func BenchmarkRemembered(b *testing.B) {
	source := benchmarkSource(b)
	b.ReportAllocs()
	for b.Loop() {
		if set := source.Credentials(b.Context(), shopPod("regcred"), false); !set.Remembered {
			b.Fatal("the secret is not remembered")
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	set := benchmarkSource(b).Credentials(b.Context(), shopPod("regcred"), false)
	b.ReportAllocs()
	for b.Loop() {
		for c := range set.Lookup("registry.example/shop/web").All(b.Context()) {
			if c.Username != "alice" {
				b.Fatalf("got %s, want alice", c.Username)
			}
		}
	}
}
