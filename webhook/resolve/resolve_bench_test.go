package resolve

import (
	"testing"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// BenchmarkWarm measures concurrent checks whose verdict is cached.
func BenchmarkWarm(b *testing.B) {
	for name, cred := range map[string]imagepull.Credential{"anonymous": anonymous, "credential": alice} {
		b.Run(name, func(b *testing.B) {
			r := newResolver(b, &fakeRegistry{verdict: pullable}, cacheOnly(clock.RealClock{}))
			r.Resolve(b.Context(), tag("1"), cred)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r.Resolve(b.Context(), tag("1"), cred)
				}
			})
		})
	}
}

// BenchmarkCold measures checks whose verdict is not cached.
func BenchmarkCold(b *testing.B) {
	o := allPolicies(clock.RealClock{})
	o.TTLs = TTLs{}
	r := newResolver(b, &fakeRegistry{verdict: pullable}, o)
	b.ReportAllocs()
	for b.Loop() {
		r.Resolve(b.Context(), tag("1"), alice)
	}
}
