package resolve_test

import (
	"testing"

	"k8s.io/utils/clock"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/resolve"
)

// BenchmarkWarm is a question whose answer is known, to a memory that many ask at the same time.
func BenchmarkWarm(b *testing.B) {
	for name, cred := range map[string]imagepull.Credential{"anonymous": nobody, "credential": alice} {
		b.Run(name, func(b *testing.B) {
			c, err := resolve.NewCached(&site{says: pullable}, resolve.CacheOptions{
				MaxEntries: 100, MaxBytes: 1 << 20, Lifetimes: lifetimes(), Clock: clock.RealClock{},
			})
			if err != nil {
				b.Fatal(err)
			}
			r := c.InFrontOf(c)
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
