package secrets

import (
	"context"
	"errors"
	"fmt"
	"net"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/pullgate/pullgate/webhook/credentials"
)

// result is the result of reading one secret: its contents, unless missing or unreadable is set.
type result struct {
	contents   contents
	missing    bool
	unreadable string
}

// addTo adds the facts about a listed secret to a set, without its keyring.
func (r result) addTo(set *credentials.Set, name string) {
	switch {
	case r.missing:
		set.Missing = append(set.Missing, name)
	case r.unreadable != "":
		set.Unreadable = append(set.Unreadable, credentials.Problem{Subject: subject(name), Detail: r.unreadable})
	default:
		r.contents.addProblem(set, subject(name))
	}
}

// readSecret reads a secret from the API server and caches it.
func (s *Source) readSecret(ctx context.Context, object types.NamespacedName) result {
	if !canExist(object.Name) {
		return result{contents: contents{ignored: "no Secret can have this name"}}
	}
	c, err := s.secrets.read(ctx, object)
	switch {
	case apierrors.IsNotFound(err):
		return result{missing: true}
	case err != nil:
		return result{unreadable: describe(err)}
	}
	return result{contents: c}
}

func (s *Source) fetchSecret(ctx context.Context, object types.NamespacedName) (contents, error) {
	secret, err := s.client.Secrets(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil {
		return contents{}, err
	}
	return decodeSecret(secret, "secret/"+object.String()), nil
}

// readAccount reads the pull secrets of a service account from the API server and caches them.
func (s *Source) readAccount(ctx context.Context, object types.NamespacedName) ([]string, credentials.Problem) {
	if !canExist(object.Name) {
		return nil, credentials.Problem{}
	}
	names, err := s.accounts.read(ctx, object)
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, credentials.Problem{Subject: fmt.Sprintf("service account %q", object.Name), Detail: describe(err)}
	}
	return names, credentials.Problem{}
}

func (s *Source) fetchAccount(ctx context.Context, object types.NamespacedName) ([]string, error) {
	account, err := s.client.ServiceAccounts(object.Namespace).Get(ctx, object.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, secret := range account.ImagePullSecrets {
		names = append(names, secret.Name)
	}
	return names, nil
}

// canExist reports whether the API server would store a secret or service account of this name. Authors of pods can list
// any text, and a text that is not a name must not become part of a request's path.
func canExist(name string) bool { return len(validation.NameIsDNSSubdomain(name, false)) == 0 }

// describe describes an error of the API client in Pullgate's own words.
func describe(err error) string {
	for _, known := range []struct {
		is   func(error) bool
		text string
	}{
		{apierrors.IsForbidden, "no right to get it (RBAC)"},
		{apierrors.IsUnauthorized, "the API server did not authenticate Pullgate"},
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
	return "the API server did not respond"
}

func isCanceled(err error) bool { return errors.Is(err, context.Canceled) }

// isTimeout reports whether the deadline of the context or of the connection has passed.
func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return ok && timeout.Timeout()
}
