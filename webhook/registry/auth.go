package registry

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// ask sends a probe and answers the challenge to it. What the registry accepted for one probe of a question is shown with
// the next one at once.
func (q *question) ask(ctx context.Context, p probe) (answer, error) {
	a, err := q.askAs(ctx, p)
	if err == nil {
		q.answered, q.authorization = true, a.authorization
	}
	return a, err
}

func (q *question) askAs(ctx context.Context, p probe) (answer, error) {
	known, ok := q.client.challenges.Get(q.endpoint.id)
	switch {
	case q.authorization != "":
		return q.askAgain(ctx, p)
	case q.answered || !ok:
		return q.askCold(ctx, p)
	}
	return q.askWarm(ctx, p, known)
}

func (q *question) askAgain(ctx context.Context, p probe) (answer, error) {
	a, err := q.send(ctx, p, q.authorization)
	if err != nil || a.status != http.StatusUnauthorized {
		return a, err
	}
	return q.askCold(ctx, p)
}

// askWarm answers the host's challenge in advance. Where that leads nowhere, everything is done once more as a node without
// memory would do it, since there are hosts that challenge for some repositories only.
func (q *question) askWarm(ctx context.Context, p probe, known challenge) (answer, error) {
	authorization, remembered, err := q.authorize(ctx, known, false)
	if err != nil {
		q.refused = refusal{challenge: known, err: err}
		return q.askCold(ctx, p)
	}
	a, err := q.send(ctx, p, authorization)
	if err != nil || !a.mayBeUnauthorized() {
		return a, err
	}
	if !remembered || a.status == http.StatusNotFound {
		q.refused = refusal{challenge: known, answer: a}
	}
	return q.askCold(ctx, p)
}

// refusal is a challenge that was answered a moment ago, without success. The zero value is none.
type refusal struct {
	challenge challenge
	answer    answer
	err       error
}

// askCold asks without authorization first, then answers the challenge with a fresh token. A credential that was refused
// just now is not shown again: accounts get locked that way.
func (q *question) askCold(ctx context.Context, p probe) (answer, error) {
	a, err := q.send(ctx, p, "")
	if err != nil || a.status != http.StatusUnauthorized || a.elsewhere || a.challenge.scheme == "" {
		return a, err
	}
	q.client.challenges.Add(q.endpoint.id, a.challenge.forAnyRepository())
	if q.settled(a.challenge) {
		return q.refused.answer, q.refused.err
	}
	authorization, _, err := q.authorize(ctx, a.challenge, true)
	if err != nil {
		return answer{}, err
	}
	return q.send(ctx, p, authorization)
}

// settled reports whether the refusal holds for this challenge too: because both want to see the same of this question, or
// because the token service does not know the credential, whatever the scope.
func (q *question) settled(ch challenge) bool {
	before := q.refused.challenge
	if before.scheme != ch.scheme || before.realm != ch.realm || before.service != ch.service {
		return false
	}
	e, ok := asError[*tokenError](q.refused.err)
	return ok && e.status == http.StatusUnauthorized || q.scope(before) == q.scope(ch)
}

// forAnyRepository is what of a challenge holds for the whole host.
func (c challenge) forAnyRepository() challenge {
	var scopes []string
	for scope := range strings.FieldsSeq(c.scope) {
		if !strings.HasPrefix(scope, "repository:") {
			scopes = append(scopes, scope)
		}
	}
	c.scope = strings.Join(scopes, " ")
	return c
}

// authorize returns the Authorization header that answers a challenge, and whether it holds a token from memory, which the
// registry may have forgotten.
func (q *question) authorize(ctx context.Context, ch challenge, fresh bool) (header string, remembered bool, err error) {
	if ch.scheme == schemeBearer {
		value, remembered, err := q.token(ctx, ch, fresh)
		return "Bearer " + value, remembered, err
	}
	if q.credential.Username == "" || q.credential.Password == "" {
		return "", false, errNoBasicCredential
	}
	req := http.Request{Header: http.Header{}}
	req.SetBasicAuth(q.credential.Username, q.credential.Password)
	return req.Header.Get("Authorization"), false, nil
}

// errNoBasicCredential: Basic needs both a user and a password (containerd: core/remotes/docker/authorizer.go,
// AddResponses).
var errNoBasicCredential = errors.New("no user and password for basic authentication")

// mayBeUnauthorized reports whether an answer may be owed to an authorization sent in advance. ECR Public answers 400 to an
// expired token; Artifactory can be told to answer 404 to an account without permission, even where anyone else may pull.
func (a answer) mayBeUnauthorized() bool {
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusBadRequest:
		return !a.elsewhere
	}
	return false
}
