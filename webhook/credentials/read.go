package credentials

import (
	"context"
	"errors"
	"fmt"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// answer is what came of reading one secret: its contents unless missing or unreadable is set.
type answer struct {
	contents   contents
	missing    bool
	unreadable string
	remembered bool
}

// read gets one secret from the API server.
func (s *Source) read(ctx context.Context, of id) answer {
	if !canExist(of.name) {
		return answer{missing: true}
	}
	asked := s.secrets.now()
	secret, err := s.client.Secrets(of.namespace).Get(ctx, of.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		s.secrets.forget(of)
		return answer{missing: true}
	}
	if err != nil {
		return answer{unreadable: cause(err)}
	}
	c := readSecret(secret, of.source())
	s.secrets.keep(of, c, asked)
	return answer{contents: c}
}

// add files the answer about one listed secret.
func (s *Set) add(name string, a answer) {
	s.Remembered = s.Remembered || a.remembered
	switch {
	case a.missing:
		s.Missing = append(s.Missing, name)
	case a.unreadable != "":
		s.Unreadable = append(s.Unreadable, Problem{Subject: subjectOf(name), Detail: a.unreadable})
	default:
		s.note(subjectOf(name), a.contents)
	}
}

// subjectOf names a pull secret as the subject of a problem.
func subjectOf(name string) string { return fmt.Sprintf("pull secret %q", name) }

// cause says in Pullgate's own words why the API server could not be read from.
func cause(err error) string {
	for _, known := range []struct {
		is   func(error) bool
		text string
	}{
		{apierrors.IsForbidden, "forbidden"},
		{apierrors.IsUnauthorized, "the API server does not know Pullgate's account"},
		{apierrors.IsTooManyRequests, "the API server is busy"},
		{apierrors.IsTimeout, "timed out"},
		{apierrors.IsServerTimeout, "timed out"},
		{isCanceled, "canceled"},
		{isTimeout, "timed out"},
	} {
		if known.is(err) {
			return known.text
		}
	}
	return "the API server did not answer"
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// isTimeout covers the context's deadline as well as those of the connection.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
