package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/pullgate/pullgate/webhook/imagepull"
	"github.com/pullgate/pullgate/webhook/registry/auth"
	"github.com/pullgate/pullgate/webhook/registry/egress"
)

// classify returns the verdict on a request that failed with an error or with a status. The verdict on a success is zero. Errors
// are matched by type, never by text, and a detail never quotes an error or a response.
func (s *session) classify(ctx context.Context, resp response, err error) imagepull.Verdict {
	var v imagepull.Verdict
	switch {
	case err != nil && ctx.Err() != nil: // the lookup's own budget ended
		v = imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Detail: "the registry did not respond in time"}
	case err != nil:
		if e, ok := errors.AsType[*auth.LockoutError](err); ok {
			return s.lockedOut(e)
		}
		v = errorVerdict(err)
	case resp.isSuccess():
		return imagepull.Verdict{}
	default:
		v = resp.failure()
	}
	if v.Reason == imagepull.ReasonAccessDenied && v.Detail == "" {
		v = s.credential.Refused()
		v.LoginFailed = loginFailed(resp, err)
	}
	_, failedElsewhere := errors.AsType[*egress.RedirectedError](err)
	v.Redirected = resp.redirection.Foreign || failedElsewhere
	return v
}

// lockedOut returns the verdict if the password is not sent. It does not show the number of refusals, since other namespaces
// have a part in it.
func (s *session) lockedOut(e *auth.LockoutError) imagepull.Verdict {
	return imagepull.Verdict{
		Reason: imagepull.ReasonRegistryUnavailable,
		Detail: fmt.Sprintf("the credential from %s was refused several times within %s, and is not sent again yet",
			s.credential.Source, auth.LockoutPeriod),
		Fix:    "renew the pull secret",
		Origin: imagepull.OriginBackoff,
		Age:    e.Age,
	}
}

// failure returns the verdict on a response with a failing status.
func (r response) failure() imagepull.Verdict {
	isRefusal := r.status == http.StatusUnauthorized || r.status == http.StatusForbidden
	switch {
	case isRefusal && r.isWebPage:
		return notARegistry()
	case isRefusal && r.redirection.Foreign && (r.status == http.StatusUnauthorized || !r.redirection.Authorized):
		return egressForbidden("the registry redirects to another host, which requires credentials")
	case r.status == http.StatusBadRequest && r.redirection.Foreign && r.redirection.Authorized && !r.redirection.Withheld:
		// Storage refuses a second authorization beside the signature in its URL. Nodes send it as well.
		return imagepull.Verdict{
			Reason: imagepull.ReasonAccessDenied,
			Detail: "the registry redirects to a host of its own domain, which rejects the registry's credential",
			Fix:    "serve the registry's storage under another host name",
		}
	case r.status == http.StatusPreconditionFailed && r.method == http.MethodGet:
		// Harbor answers so to GET only. No other credential and no other node gets the image, so that AccessDenied, whose rules
		// consider these, is the wrong reason.
		return imagepull.Verdict{
			Reason: imagepull.ReasonUnsupportedImage,
			Detail: "a policy of the registry forbids to pull the image",
			Fix:    "scan, sign or repair the image as the registry's policy demands",
		}
	}
	v := statusVerdict(r.status, r.retryAfter, "the registry")
	if r.weakToken && v.Reason == imagepull.ReasonAccessDenied || r.weakToken && r.status == http.StatusNotFound {
		return withheldFromTokenService(r.status)
	}
	if r.redirection.Withheld && !v.Transient && v.Reason != imagepull.ReasonRateLimited {
		return unavailable(fmt.Sprintf("the registry redirects to another host, which returned %d without the credential", r.status))
	}
	return v
}

// withheldFromTokenService returns the verdict if a node sends a token service more than Pullgate does.
func withheldFromTokenService(status int) imagepull.Verdict {
	v := unavailable(fmt.Sprintf("the token service on another host gets no header or client certificate of hosts.toml; the status is %d", status))
	v.Fix = "serve tokens on the host that hosts.toml names"
	return v
}

func notARegistry() imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonNotARegistry, Detail: "a web page answered, without a sign of the registry API"}
}

// loginFailed reports whether a denial concerns the credential itself, and not only the repository.
func loginFailed(resp response, err error) bool {
	if err != nil {
		e, ok := errors.AsType[*auth.TokenError](err)
		return ok && e.LoginFailed || errors.Is(err, auth.ErrPasswordRefused)
	}
	return resp.status == http.StatusUnauthorized && resp.sentPassword
}

func errorVerdict(err error) imagepull.Verdict {
	for _, match := range errorRules {
		if v, ok := match(err); ok {
			return v
		}
	}
	return transient(egress.Cause(err))
}

// errorRules map errors to verdicts. The first match counts. Other errors are network failures.
var errorRules = []func(error) (imagepull.Verdict, bool){
	byValue(egress.ErrBusy, imagepull.Verdict{
		Reason: imagepull.ReasonDeadlineExceeded, Detail: "too many large responses are read at the same time",
	}),
	byType(func(e *egress.ForbiddenError) imagepull.Verdict { return egressForbidden(e.Detail) }),
	byType(func(*auth.ForeignServiceError) imagepull.Verdict {
		v := egressForbidden("the registry's token service may have another owner, so that it gets no credential")
		v.Fix = "if it belongs to the registry, add it to egress.tokenServices"
		return v
	}),
	byType(proxyVerdict),
	byType(func(e *auth.TokenError) imagepull.Verdict {
		v := statusVerdict(e.StatusCode, e.RetryAfter, "the token service")
		if e.Withheld && v.Reason == imagepull.ReasonAccessDenied {
			return withheldFromTokenService(e.StatusCode)
		}
		return v
	}),
	byValue(auth.ErrNoBasicCredential, imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}),
	byValue(auth.ErrPasswordRefused, imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}),
	byValue(http.ErrSchemeMismatch, imagepull.Verdict{
		Reason: imagepull.ReasonInsecureRegistry, Detail: "the registry speaks plain HTTP",
	}),
	byValue(egress.ErrTooManyRedirects, unavailable("the registry redirects too often")),
	byType(func(*egress.EncodingError) imagepull.Verdict {
		return unavailable("the registry sends content in an encoding that nodes do not request")
	}),
	byType(func(e *auth.InvalidResponseError) imagepull.Verdict { return transient(e.Detail) }),
}

func byType[E error](verdict func(E) imagepull.Verdict) func(error) (imagepull.Verdict, bool) {
	return func(err error) (v imagepull.Verdict, ok bool) {
		e, ok := errors.AsType[E](err)
		if ok {
			v = verdict(e)
		}
		return v, ok
	}
}

func byValue(target error, v imagepull.Verdict) func(error) (imagepull.Verdict, bool) {
	return func(err error) (imagepull.Verdict, bool) { return v, errors.Is(err, target) }
}

func proxyVerdict(e *egress.ProxyError) imagepull.Verdict {
	v := unavailable(e.Detail)
	v.Fix = "check the proxy that Pullgate is configured to use, and which hosts it allows"
	v.Transient = e.Transient
	return v
}

// statusRules map statuses to verdicts, without details. The verdict on any other failing status is RegistryUnavailable.
var statusRules = map[int]imagepull.Verdict{
	http.StatusUnauthorized:        {Reason: imagepull.ReasonAccessDenied},
	http.StatusForbidden:           {Reason: imagepull.ReasonAccessDenied},
	http.StatusTooManyRequests:     {Reason: imagepull.ReasonRateLimited},
	http.StatusRequestTimeout:      {Reason: imagepull.ReasonRegistryUnavailable, Transient: true},
	http.StatusInternalServerError: {Reason: imagepull.ReasonRegistryUnavailable, Transient: true},
	http.StatusBadGateway:          {Reason: imagepull.ReasonRegistryUnavailable, Transient: true},
	http.StatusServiceUnavailable:  {Reason: imagepull.ReasonRegistryUnavailable, Transient: true},
	http.StatusGatewayTimeout:      {Reason: imagepull.ReasonRegistryUnavailable, Transient: true},
}

// statusVerdict returns the verdict on a failing status of the server.
func statusVerdict(status int, retryAfter time.Duration, server string) imagepull.Verdict {
	v, ok := statusRules[status]
	switch {
	case !ok:
		return unavailable(fmt.Sprintf("%s returned %d", server, status))
	case v.Reason == imagepull.ReasonRateLimited:
		v.Detail, v.RetryAfter = server+" limits the rate of requests", retryAfter
	case v.Reason == imagepull.ReasonRegistryUnavailable:
		v.Detail, v.RetryAfter = fmt.Sprintf("%s returned %d", server, status), retryAfter
	}
	return v
}

func egressForbidden(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonEgressForbidden, Detail: detail}
}

func unavailable(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: detail}
}

// transient returns a RegistryUnavailable verdict for a failure that may be over a moment later.
func transient(detail string) imagepull.Verdict {
	v := unavailable(detail)
	v.Transient = true
	return v
}

func mismatched() imagepull.Verdict {
	return unavailable("the registry's response does not match its digest")
}

func missing(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonBlobMissing, Detail: detail}
}

// noHost returns the verdict if no endpoint may serve the reference. No request is sent, so there is no response to confirm.
func noHost() imagepull.Verdict {
	return imagepull.Verdict{
		Reason:        imagepull.ReasonNotFound,
		Detail:        "the nodes' hosts.toml leaves no host to pull the image from",
		Fix:           "correct the nodes' hosts.toml",
		AnyCredential: true,
		Confirmed:     true,
	}
}
