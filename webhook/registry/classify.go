package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// answerError is an answer that makes no sense. Its detail is Pullgate's own text; the cause is for errors.As only.
type answerError struct {
	detail string
	cause  error
}

func (e *answerError) Error() string { return e.detail }

func (e *answerError) Unwrap() error { return e.cause }

func asError[E error](err error) (target E, ok bool) {
	ok = errors.As(err, &target)
	return target, ok
}

// classify is classifyError, but for the end of the whole question's budget, which is no fault of the registry.
func (q *question) classify(ctx context.Context, err error) imagepull.Verdict {
	if ctx.Err() != nil {
		return imagepull.Verdict{Reason: imagepull.ReasonDeadlineExceeded, Detail: "the registry gave no answer in time"}
	}
	v := classifyError(err)
	if v.Reason == imagepull.ReasonAccessDenied {
		e, ok := asError[*tokenError](err)
		v = q.credential.Refused()
		v.LoginFailed = ok && e.status == http.StatusUnauthorized && q.credential.Password != ""
	}
	return v
}

// classifyError turns whatever kept an answer from coming into a verdict, by type.
func classifyError(err error) imagepull.Verdict {
	if e, ok := asError[*egressError](err); ok {
		return egressForbidden(e.detail)
	}
	if e, ok := asError[*proxyError](err); ok {
		return e.verdict()
	}
	if e, ok := asError[*tokenError](err); ok {
		return classifyStatus(e.status, e.retryAfter, "the token service")
	}
	switch {
	case errors.Is(err, errNoBasicCredential):
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}
	case errors.Is(err, http.ErrSchemeMismatch):
		return imagepull.Verdict{Reason: imagepull.ReasonInsecureRegistry, Detail: "the registry speaks plain HTTP"}
	case errors.Is(err, errTooManyRedirects):
		return unavailable("the registry redirects too often")
	}
	if e, ok := asError[*answerError](err); ok {
		return transient(e.detail)
	}
	return transient(networkDetail(err))
}

// networkDetail names the cause of a failed exchange without quoting an error's text, which may hold what a registry sent.
func networkDetail(err error) string {
	if detail := tlsDetail(err); detail != "" {
		return detail
	}
	if e, ok := asError[*net.DNSError](err); ok {
		if e.IsNotFound {
			return "no such host"
		}
		return "the host name can't be resolved now"
	}
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "no route to the registry"
	}
	return "the connection broke"
}

func tlsDetail(err error) string {
	if _, ok := asError[x509.HostnameError](err); ok {
		return "the registry's certificate is for another name"
	}
	if e, ok := asError[x509.CertificateInvalidError](err); ok {
		if e.Reason == x509.Expired {
			return "the registry's certificate is expired or not valid yet"
		}
		return "the registry's certificate is invalid"
	}
	if _, ok := asError[x509.UnknownAuthorityError](err); ok {
		return "the registry's certificate is from an authority unknown to Pullgate"
	}
	op, alert := asError[*net.OpError](err)
	alert = alert && (op.Op == "remote error" || op.Op == "local error") // crypto/tls calls its alerts so
	if _, ok := asError[tls.RecordHeaderError](err); ok || alert {
		return "the registry does not speak TLS as expected"
	}
	return ""
}

// classifyAnswer returns the verdict on an answer that is not a success, and the zero verdict on a success.
func classifyAnswer(a answer, cred imagepull.Credential) imagepull.Verdict {
	switch {
	case a.status >= 200 && a.status < 300:
		return imagepull.Verdict{}
	case a.elsewhere && (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden):
		return egressForbidden("the registry redirects to another host, which wants credentials")
	}
	v := classifyStatus(a.status, a.retryAfter, "the registry")
	if v.Reason == imagepull.ReasonAccessDenied {
		v = cred.Refused()
		v.LoginFailed = a.status == http.StatusUnauthorized && strings.HasPrefix(a.authorization, "Basic ")
	}
	return v
}

// classifyStatus knows the statuses that mean something of their own; every other failure is an unusable answer.
func classifyStatus(status int, retryAfter time.Duration, who string) imagepull.Verdict {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return imagepull.Verdict{Reason: imagepull.ReasonAccessDenied}
	case http.StatusTooManyRequests:
		return imagepull.Verdict{
			Reason:     imagepull.ReasonRateLimited,
			Detail:     who + " limits the rate of requests",
			RetryAfter: retryAfter,
		}
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		v := transient(fmt.Sprintf("%s answered %d", who, status))
		v.RetryAfter = retryAfter
		return v
	}
	return unavailable(fmt.Sprintf("%s answered %d", who, status))
}

func egressForbidden(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonEgressForbidden, Detail: detail}
}

func unavailable(detail string) imagepull.Verdict {
	return imagepull.Verdict{Reason: imagepull.ReasonRegistryUnavailable, Detail: detail}
}

// transient is unavailable, with hope.
func transient(detail string) imagepull.Verdict {
	v := unavailable(detail)
	v.Transient = true
	return v
}

// says reports whether the error body holds a code.
func (a answer) says(code transport.ErrorCode) bool { return slices.Contains(a.codes, code) }
