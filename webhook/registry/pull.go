package registry

import (
	"context"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// pull is one reference asked for with one credential, of one host after the other until one decides (containerd:
// core/remotes/docker/resolver.go, Resolve).
type pull struct {
	ref       imagepull.Reference
	questions []*question // of each endpoint, in the order of the node
}

// finding is what one host made of a question.
type finding struct {
	question *question
	rank     rank
	verdict  imagepull.Verdict
	// probe and answer are those behind an absence, whose verdict takes another request; or behind an index.
	probe   probe
	answer  answer
	isIndex bool
	// digest is that of an oversized manifest: a node holds on to it when it goes on to the next host.
	digest string
}

// rank orders the failures by how far they got: of several a node reports the greatest.
type rank uint8

const (
	// decided is no failure of the host: whatever its verdict, a node asks no other.
	decided rank = iota
	// unreached is a failing connection or authorization.
	unreached
	// absent is 404.
	absent
	// refused is any other failing status.
	refused
	// oversized is a manifest over the limit.
	oversized
)

// resolve asks the hosts that may be asked, then reads the index if it is one.
func (p *pull) resolve(ctx context.Context) imagepull.Verdict {
	var (
		failures []finding
		known    = p.ref.Digest
	)
	for _, q := range p.questions {
		if !q.endpoint.can(p.ref) {
			continue
		}
		q.digest = known
		f := q.locate(ctx)
		f.question = q
		if f.rank == decided {
			return p.conclude(ctx, f)
		}
		if f.digest != "" {
			known = f.digest
		}
		failures = append(failures, f)
	}
	if len(failures) == 0 {
		return imagepull.Verdict{
			Reason: imagepull.ReasonNotFound,
			Detail: "the nodes' hosts.toml leaves no host to ask for the image",
			Fix:    "correct the nodes' hosts.toml",
		}
	}
	return p.conclude(ctx, worst(failures))
}

func (p *pull) conclude(ctx context.Context, f finding) imagepull.Verdict {
	switch {
	case f.rank == absent:
		f.verdict = f.question.notFound(ctx, f.probe, f.answer)
	case f.rank == unreached && f.question.endpoint.local:
		f.verdict = f.question.endpoint.outOfReach(f.verdict)
	case f.isIndex:
		return p.index(ctx, f.verdict, f.answer)
	}
	return f.question.endpoint.say(f.verdict)
}

// worst chooses the failure to report. A host in doubt may have the image after all, so that doubt comes before certainty;
// otherwise it is the first that got furthest, as on a node. Of several that lack the image the last one knows best, being
// the registry itself or the nearest to it.
func worst(failures []finding) finding {
	chosen := failures[0]
	for _, f := range failures[1:] {
		doubt := f.isDoubt()
		switch {
		case doubt && !chosen.isDoubt():
			chosen = f
		case doubt == chosen.isDoubt() && (f.rank > chosen.rank || f.rank == absent && chosen.rank == absent):
			chosen = f
		}
	}
	return chosen
}

func (f finding) isDoubt() bool {
	return f.rank != absent && f.verdict.Outcome() == imagepull.Indeterminate
}
