package registry

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// Bounds of what is asked for one manifest, whose author may be anybody. Real images have up to 127 layers, which is what
// file systems can stack, and configurations of some kilobytes.
const (
	maxParts       = 128
	maxConfigBytes = 1 << 20
	// parallelParts is how many blobs are asked for at once. A node fetches three.
	parallelParts = 4
)

// config reads the image's configuration, and returns what is left to ask for. One that is not an image's, or larger than
// any, is a blob like the others.
func (p *pull) config(ctx context.Context, m manifest.Manifest, parts []manifest.Blob) (manifest.Config, []manifest.Blob, imagepull.Verdict) {
	if len(parts) == 0 || parts[0].Digest != m.Config.Digest || !m.HasImageConfig() {
		return manifest.Config{}, parts, imagepull.Verdict{}
	}
	switch b := parts[0]; {
	case b.IsEmbedded():
		return manifest.ParseConfig(b.Data), parts[1:], imagepull.Verdict{}
	case b.Size > maxConfigBytes, len(b.URLs) > 0:
		return manifest.Config{}, parts, imagepull.Verdict{}
	}
	sum := m.Config.Digest.String()
	q, a, failed := p.fetch(ctx, lostPart(parts[0]), probe{
		method: http.MethodGet, object: sum, accept: "*/*", blob: true, most: maxConfigBytes,
	})
	switch {
	case failed.Reason != "":
		return manifest.Config{}, nil, ofPart(failed, parts[0])
	case !isContent(sum, a.body):
		return manifest.Config{}, nil, q.endpoint.say(mismatched())
	}
	return manifest.ParseConfig(a.body), parts[1:], imagepull.Verdict{}
}

func lostPart(b manifest.Blob) imagepull.Verdict { return missing("the registry has lost " + b.Name) }

// search asks for each part, and returns the gravest of what there is to say of them. A part that comes from elsewhere, by
// URLs of its own, is taken to be there: who serves it is no business of the registry, nor Pullgate's.
func (p *pull) search(ctx context.Context, parts []manifest.Blob) imagepull.Verdict {
	parts = slices.DeleteFunc(slices.Clone(parts), func(b manifest.Blob) bool { return b.IsEmbedded() || len(b.URLs) > 0 })
	asked := parts[:min(len(parts), maxParts)]
	verdicts := make([]imagepull.Verdict, len(asked))
	var limited atomic.Bool
	inParallel(len(asked), func(i int, p *pull) {
		if limited.Load() {
			return // A rate limit is not met with more questions; one verdict says so already.
		}
		verdicts[i] = p.find(ctx, asked[i])
		if verdicts[i].Reason == imagepull.ReasonRateLimited {
			limited.Store(true)
		}
	}, p.clone)
	if len(asked) < len(parts) {
		verdicts = append(verdicts, imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: "the image has more layers than Pullgate looks at",
		})
	}
	return manifest.MostSevere(verdicts...)
}

// find asks whether a blob is there. HEAD can only prove that it is: there are storage services that refuse HEAD where an
// address was signed for GET, and caches that only fetch on GET what they lack. So whatever else HEAD gets for an answer,
// that to a GET counts, which is what a node sends; of the blob it takes the first byte.
func (p *pull) find(ctx context.Context, b manifest.Blob) imagepull.Verdict {
	head := probe{method: http.MethodHead, object: b.Digest.String(), accept: "*/*", blob: true}
	get := head
	get.method, get.most, get.byteRange = http.MethodGet, 1, "bytes=0-0"
	_, _, failed := p.fetch(ctx, lostPart(b), head, get)
	return ofPart(failed, b)
}

// ofPart says of a refusal what was refused: the manifest was not.
func ofPart(v imagepull.Verdict, b manifest.Blob) imagepull.Verdict {
	if v.Reason == imagepull.ReasonAccessDenied {
		v.Detail = "the registry shows the manifest but refuses " + b.Name
	}
	return v
}

// clone returns the pull for another goroutine: with what each host accepted so far, and what it accepts from now on apart.
func (p *pull) clone() *pull {
	c := &pull{ref: p.ref}
	for _, q := range p.questions {
		another := *q
		c.questions = append(c.questions, &another)
	}
	return c
}

// inParallel runs a function for each of n numbers, a few at a time, each worker with a pull of its own. A panic goes on in
// the caller, who knows what to do about it: in a goroutine of its own it would end the process.
func inParallel(n int, f func(i int, p *pull), worker func() *pull) {
	var (
		wg    sync.WaitGroup
		next  atomic.Int64
		fault atomic.Value
	)
	for range min(n, parallelParts) {
		own := worker()
		wg.Go(func() {
			defer func() {
				if cause := recover(); cause != nil {
					fault.CompareAndSwap(nil, &cause)
				}
			}()
			for i := next.Add(1) - 1; int(i) < n; i = next.Add(1) - 1 {
				f(int(i), own)
			}
		})
	}
	wg.Wait()
	if cause, ok := fault.Load().(*any); ok {
		panic(*cause)
	}
}
