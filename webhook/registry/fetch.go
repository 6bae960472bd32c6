package registry

import (
	"context"
	"net/http"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// fetch asks each host until one has the content, even those that may not resolve or pull (containerd:
// core/remotes/docker/fetcher.go, Fetch). What that one sends is final. Lost is the verdict where none has it.
func (p *pull) fetch(ctx context.Context, lost imagepull.Verdict, ways ...probe) (*question, answer, imagepull.Verdict) {
	var failures []finding
	for _, q := range p.questions {
		a, failure := q.fetch(ctx, lost, ways)
		if failure.verdict.Reason == "" {
			return q, a, imagepull.Verdict{}
		}
		failures = append(failures, failure)
	}
	chosen := worst(failures)
	return nil, answer{}, chosen.question.endpoint.say(chosen.verdict)
}

// fetch asks one host, in one way after the other until one succeeds. The last way is that of a node, whose answer counts.
func (q *question) fetch(ctx context.Context, lost imagepull.Verdict, ways []probe) (answer, finding) {
	if q.endpoint.closed.Reason != "" {
		return answer{}, finding{question: q, rank: unreached, verdict: q.endpoint.closed}
	}
	var a answer
	for _, way := range ways {
		var err error
		if a, err = q.ask(ctx, way); err != nil {
			return answer{}, finding{question: q, rank: unreached, verdict: q.classify(ctx, err)}
		}
		if a.status < 300 || a.status == http.StatusTooManyRequests {
			break
		}
	}
	if a.status == http.StatusNotFound {
		return answer{}, finding{question: q, rank: absent, verdict: lost}
	}
	return a, finding{question: q, rank: refused, verdict: classifyAnswer(a, q.credential)}
}
