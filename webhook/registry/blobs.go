package registry

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/parallel"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// Bounds of the requests for one manifest. Its author may be an attacker. Real images have up to 127 layers, the most that file
// systems can stack, and configurations of some kilobytes.
const (
	maxBlobs       = 128
	maxConfigBytes = 1 << 20
	// parallelBlobs is how many blobs are checked at the same time. A node fetches three.
	parallelBlobs = 4
)

// readConfig reads the configuration, and returns the blobs that remain to be checked. A configuration that is larger than any
// real one, or that is a manifest by its type, is checked as a blob.
func (ss sessions) readConfig(
	ctx context.Context, m manifest.Manifest, blobs []manifest.Blob,
) (manifest.Config, []manifest.Blob, imagepull.Verdict) {
	if len(blobs) == 0 || blobs[0].Digest != m.Config.Digest {
		return manifest.Config{}, blobs, imagepull.Verdict{}
	}
	b := blobs[0]
	switch {
	case b.IsEmbedded():
		return manifest.ParseConfig(b.Data), blobs[1:], imagepull.Verdict{}
	case b.Size > maxConfigBytes, len(b.URLs) > 0, b.IsManifest():
		return manifest.Config{}, blobs, imagepull.Verdict{}
	}
	digest := m.Config.Digest.String()
	s, resp, failed := ss.get(ctx, lostBlob(b), request{
		method: http.MethodGet, object: digest, accept: "*/*", blob: true, maxBytes: maxConfigBytes, decode: decodeConfig,
	})
	switch {
	case failed.Reason != "":
		return manifest.Config{}, nil, ofBlob(failed, b)
	case resp.size() > maxConfigBytes:
		return manifest.Config{}, nil, wrongSize(b)
	case !resp.content.matches(digest):
		return manifest.Config{}, nil, s.endpoint.prefixHost(mismatched())
	case resp.size() != b.Size:
		return manifest.Config{}, nil, wrongSize(b)
	}
	return resp.content.document.config, blobs[1:], imagepull.Verdict{}
}

func lostBlob(b manifest.Blob) imagepull.Verdict { return missing("the registry has lost " + b.Name) }

// wrongSize returns the verdict on a blob of another length than its descriptor says (containerd: core/content/helpers.go, Copy).
func wrongSize(b manifest.Blob) imagepull.Verdict {
	return manifest.Unsupported("the manifest gives a wrong size for " + b.Name)
}

// checkBlobs returns the most severe verdict. A blob with URLs of its own is not checked, because another host serves it.
func (ss sessions) checkBlobs(ctx context.Context, blobs []manifest.Blob) imagepull.Verdict {
	blobs = slices.DeleteFunc(slices.Clone(blobs), func(b manifest.Blob) bool { return b.IsEmbedded() || len(b.URLs) > 0 })
	checked := blobs[:min(len(blobs), maxBlobs)]
	verdicts := make([]imagepull.Verdict, len(checked))
	var limited atomic.Bool
	inParallel(len(checked), ss.clone, func(i int, own sessions) {
		if limited.Load() {
			return // more requests prolong a rate limit, and one verdict reports it
		}
		verdicts[i] = own.checkBlob(ctx, checked[i])
		if verdicts[i].Reason == imagepull.ReasonRateLimited {
			limited.Store(true)
		}
	})
	if len(checked) < len(blobs) {
		verdicts = append(verdicts, imagepull.Verdict{
			Reason: imagepull.ReasonDeadlineExceeded,
			Detail: "the image has more layers than Pullgate checks",
		})
	}
	return manifest.MostSevere(verdicts...)
}

// checkBlob checks that a blob exists, and compares its length with its descriptor. HEAD can only prove that it does exist: some
// storage services refuse HEAD for a URL that was signed for GET, and some caches fetch a blob on GET only. After any other
// response to HEAD, the response to GET counts, which is a node's request. Only the first byte is read.
func (ss sessions) checkBlob(ctx context.Context, b manifest.Blob) imagepull.Verdict {
	head := request{method: http.MethodHead, object: b.Digest.String(), accept: "*/*", blob: !b.IsManifest()}
	get := head
	get.method, get.maxBytes, get.byteRange = http.MethodGet, 1, "bytes=0-0"
	_, resp, failed := ss.get(ctx, lostBlob(b), head, get)
	if failed.Reason == "" && resp.total != 0 && resp.total != b.Size {
		_, resp, failed = ss.get(ctx, lostBlob(b), get)
	}
	if failed.Reason == "" && resp.total != 0 && resp.total != b.Size {
		return wrongSize(b)
	}
	return ofBlob(failed, b)
}

// ofBlob names the blob in a denial: the manifest was readable.
func ofBlob(v imagepull.Verdict, b manifest.Blob) imagepull.Verdict {
	if v.Reason == imagepull.ReasonAccessDenied {
		v.Detail = "the registry serves the manifest but refuses " + b.Name
	}
	return v
}

// inParallel calls f for each of n numbers, a few at a time. Each goroutine has a value of its own.
func inParallel[T any](n int, newValue func() T, f func(i int, own T)) {
	var (
		group parallel.Group
		next  atomic.Int64
	)
	for range min(n, parallelBlobs) {
		own := newValue()
		group.Go(func() {
			for i := next.Add(1) - 1; int(i) < n; i = next.Add(1) - 1 {
				f(int(i), own)
			}
		})
	}
	group.Wait()
}
