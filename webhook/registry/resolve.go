package registry

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/opencontainers/go-digest"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/manifest"
)

// acceptManifests is containerd's Accept header, without schema 1 (core/remotes/docker/resolver.go, NewResolver).
var acceptManifests = strings.Join([]string{
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
	string(types.OCIManifestSchema1), string(types.OCIImageIndex), "*/*",
}, ", ")

// sessions are the sessions of one reference and one credential: one for each endpoint, in the order of the node.
type sessions []*session

// result is the result of one endpoint.
type result struct {
	session *session
	stage   stage
	verdict imagepull.Verdict
	// request and response are those of an absent manifest, whose verdict needs one more request, or of an index.
	request  request
	response response
	isIndex  bool
	// digest is that of an oversized manifest. A node uses it for its requests to the next host.
	digest string
}

// stage orders failures by how far a node gets. It reports the failure with the greatest stage.
type stage uint8

const (
	// decided ends the lookup: the node does not send a request to another host.
	decided stage = iota
	// unreached is a failing connection or authorization.
	unreached
	// absent is 404.
	absent
	// refused is any other failing status.
	refused
	// oversized is a manifest over the limit.
	oversized
)

// resolve sends requests to one endpoint after the other until one decides (containerd: core/remotes/docker/resolver.go,
// Resolve). It then reads the index, if there is one.
func (ss sessions) resolve(ctx context.Context) imagepull.Verdict {
	var (
		failures []result
		digest   string
	)
	for _, s := range ss {
		if !s.endpoint.canServe(s.ref) {
			continue
		}
		r := s.resolveAt(ctx, cmp.Or(digest, s.ref.Digest))
		if r.stage == decided {
			return ss.finish(ctx, r)
		}
		digest = cmp.Or(r.digest, digest)
		failures = append(failures, r)
	}
	if len(failures) == 0 {
		return noHost()
	}
	return ss.finish(ctx, worst(failures))
}

func noHost() imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonNotFound,
		Detail: "the nodes' hosts.toml leaves no host to pull the image from",
		Fix:    "correct the nodes' hosts.toml",
	}
}

// finish returns the verdict on the deciding result.
func (ss sessions) finish(ctx context.Context, r result) imagepull.Verdict {
	switch {
	case r.stage == absent:
		r.verdict = r.session.notFound(ctx, r.request, r.response)
	case r.stage == unreached && r.session.endpoint.local:
		r.verdict = nodeLocal(r.verdict)
	case r.isIndex:
		return ss.readIndex(ctx, r.verdict, r.response)
	}
	return r.session.endpoint.prefixHost(r.verdict)
}

// worst returns the failure to report. An Indeterminate failure comes first, because that host may have the image. Otherwise it
// is the first failure with the greatest stage, as on a node. If several hosts lack the image, it is the last: the registry
// itself, or the host nearest to it.
func worst(failures []result) result {
	chosen := failures[0]
	for _, r := range failures[1:] {
		indeterminate := r.isIndeterminate()
		switch {
		case indeterminate && !chosen.isIndeterminate():
			chosen = r
		case indeterminate == chosen.isIndeterminate() && (r.stage > chosen.stage || r.stage == absent && chosen.stage == absent):
			chosen = r
		}
	}
	return chosen
}

func (r result) isIndeterminate() bool {
	return r.stage != absent && r.verdict.Outcome() == imagepull.Indeterminate
}

// resolveAt follows containerd's Resolve at one host. The digest is empty if only the tag is known.
func (s *session) resolveAt(ctx context.Context, digest string) result {
	if s.endpoint.blocked.Reason != "" {
		return result{session: s, stage: unreached, verdict: s.endpoint.blocked}
	}
	req := request{method: http.MethodHead, object: s.ref.Object(), accept: acceptManifests}
	resp, err := s.send(ctx, req)
	if err == nil && s.client.runtime.retriesWithGET(resp.status) {
		req.method = http.MethodGet
		resp, err = s.send(ctx, req)
	}
	switch {
	case err != nil:
		return result{session: s, stage: unreached, verdict: s.classify(ctx, resp, err)}
	case resp.status == http.StatusNotFound:
		return result{session: s, stage: absent, request: req, response: resp}
	case resp.status >= http.StatusBadRequest:
		return result{session: s, stage: refused, verdict: s.classify(ctx, resp, nil)}
	}
	return s.accept(ctx, req, resp, digest)
}

// accept returns the result for a status below 400, which ends the lookup on a node. If HEAD is incomplete, it sends GET and
// hashes the body. The headers of GET count only if HEAD is not supported.
func (s *session) accept(ctx context.Context, req request, resp response, known string) result {
	if req.method == http.MethodHead && resp.isIncomplete(known) {
		req.method = http.MethodGet
		var err error
		if resp, err = s.send(ctx, req); err != nil {
			return result{session: s, verdict: s.classify(ctx, resp, err)}
		}
		resp.digest = ""
	}
	if resp.status == http.StatusNotFound {
		return result{session: s, verdict: s.notFound(ctx, req, resp)}
	}
	if v := s.classify(ctx, resp, nil); v.Reason != "" {
		return result{session: s, verdict: v}
	}
	if resp.isIncomplete(known) {
		resp.digest = digest.FromBytes(resp.body).String()
	}
	return s.checkManifest(resp, cmp.Or(known, resp.digest))
}

// isIncomplete reports whether the headers lack size or digest, so that a node takes both from the body. A reference by digest
// needs no digest from the registry.
func (r response) isIncomplete(known string) bool {
	return r.status < 300 && (r.length < 0 || r.digest == "" && known == "")
}

// notFound returns the verdict on a 404. Only a body shows whether the tag or the repository is missing. The verdict does not
// depend on it otherwise, because a node sends no request after 404.
func (s *session) notFound(ctx context.Context, req request, resp response) imagepull.Verdict {
	detail := "tag not found"
	if s.ref.Digest != "" {
		detail = "digest not found"
	}
	var err error
	if req.method == http.MethodHead {
		req.method = http.MethodGet
		resp, err = s.send(ctx, req)
	}
	if err == nil && resp.hasCode(transport.NameUnknownErrorCode) {
		detail = "repository not found"
	}
	return imagepull.Verdict{Reason: imagepull.ReasonNotFound, Detail: detail}
}

// checkManifest returns the result for a manifest that exists and may be read.
func (s *session) checkManifest(resp response, known string) result {
	rules := s.client.runtime
	r := result{session: s, verdict: imagepull.Verdict{Reason: imagepull.ReasonPullable, Digest: known}}
	mt := types.MediaType(resp.contentType)
	_, err := digest.Parse(known)
	switch size := resp.size(); {
	case err != nil:
		r.verdict = rules.unsupported("the registry gives the manifest an invalid digest")
	case size > s.client.options.ManifestBytes:
		r.stage, r.digest = oversized, known
		r.verdict = manifest.Unsupported("the manifest is larger than the nodes' runtime accepts")
	case size == 0: // containerd: core/remotes/handlers.go, Fetch
		r.verdict = rules.unsupported("the registry gives the manifest no size")
	case mt.IsImage():
		r.verdict.Warnings = manifest.Warnings(resp.body)
	case mt.IsSchema1() && rules.acceptsSchema1:
	case mt.IsIndex():
		r.response, r.isIndex = resp, true
	case mt.IsSchema1(), mt == "text/plain" && !rules.acceptsSchema1:
		r.verdict = rules.unsupported("the image has the old schema 1 format")
		r.verdict.IsSchema1 = true
	default:
		r.verdict = rules.unsupported("the registry's answer is not a manifest by its content type")
		r.verdict.Fix = "check the image name, and push a container image there"
	}
	return r
}

// get sends requests to one endpoint after the other until one has the content, even to those without the capability
// (containerd: core/remotes/docker/fetcher.go, Fetch). It returns the session of that endpoint. If none has the content, it
// returns a verdict, which is lost if all responses are 404.
func (ss sessions) get(ctx context.Context, lost imagepull.Verdict, requests ...request) (*session, response, imagepull.Verdict) {
	var failures []result
	for _, s := range ss {
		resp, failure := s.getFrom(ctx, lost, requests)
		if failure.verdict.Reason == "" {
			return s, resp, imagepull.Verdict{}
		}
		failures = append(failures, failure)
	}
	failure := worst(failures)
	return nil, response{}, failure.session.endpoint.prefixHost(failure.verdict)
}

// getFrom sends requests to one endpoint until one succeeds. The last request is a node's, so its response counts.
func (s *session) getFrom(ctx context.Context, lost imagepull.Verdict, requests []request) (response, result) {
	if s.endpoint.blocked.Reason != "" {
		return response{}, result{session: s, stage: unreached, verdict: s.endpoint.blocked}
	}
	var resp response
	for _, req := range requests {
		var err error
		if resp, err = s.send(ctx, req); err != nil {
			return response{}, result{session: s, stage: unreached, verdict: s.classify(ctx, resp, err)}
		}
		if resp.status < 300 || resp.status == http.StatusTooManyRequests {
			break
		}
	}
	if resp.status == http.StatusNotFound {
		return response{}, result{session: s, stage: absent, verdict: lost}
	}
	return resp, result{session: s, stage: refused, verdict: s.classify(ctx, resp, nil)}
}

// clone returns the sessions for another goroutine, with the authorization that each endpoint has accepted so far.
func (ss sessions) clone() sessions {
	list := make(sessions, 0, len(ss))
	for _, s := range ss {
		clone := *s
		clone.auth = s.auth.Clone()
		list = append(list, &clone)
	}
	return list
}
