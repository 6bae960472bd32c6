package secrets

import (
	"fmt"
	"testing"
)

func BenchmarkSourceFromCache(b *testing.B) {
	entries := []string{"registry.example=alice"}
	for i := range 20 {
		entries = append(entries, fmt.Sprintf("registry-%d.example=bob", i))
	}
	// The clock of the cluster stands still, so that no entry expires.
	source := newCluster(b, pullSecret("regcred", dockerConfigJSON(entries...))).source
	source.Credentials(b.Context(), shopPod("regcred"))
	b.ReportAllocs()
	for b.Loop() {
		if set := source.Credentials(b.Context(), shopPod("regcred")); !set.FromCache {
			b.Fatal("the secret is not cached")
		}
	}
}
