package registry

import (
	"context"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
)

// session sends the requests for one reference to one endpoint with one credential.
type session struct {
	client     *Client
	endpoint   *endpoint
	ref        imagepull.Reference
	credential imagepull.Credential
	auth       *auth.Session
}

// sessions are the sessions of one reference and one credential: one for each endpoint, in the order of the node.
type sessions []*session

// result is the result of one endpoint.
type result struct {
	session *session
	stage   stage
	verdict imagepull.Verdict
	// request and response belong to an absent manifest, whose verdict needs one more request, or to an index.
	request  request
	response response
	isIndex  bool
	// digest identifies an oversized manifest. A node uses it for its requests to the next host.
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
		req.fetches = true
		var err error
		if resp, err = s.send(ctx, req); err != nil {
			return response{}, result{session: s, stage: unreached, verdict: s.classify(ctx, resp, err)}
		}
		if resp.status < 300 || resp.status == http.StatusTooManyRequests {
			break
		}
	}
	if resp.isAbsent() {
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
