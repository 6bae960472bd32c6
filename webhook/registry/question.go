package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"syscall"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// question is one reference asked of one endpoint with one credential.
type question struct {
	client     *Client
	ref        imagepull.Reference
	endpoint   *endpoint
	credential imagepull.Credential
	// digest is what is known of the manifest before asking; empty when only a tag is.
	digest string

	// answered says that the registry gave an answer already, and authorization what it was shown for that.
	answered      bool
	authorization string
	refused       refusal
}

// probe is what is asked of a repository: one manifest, by tag or digest, or one blob.
type probe struct {
	method, object, accept string
	// blob asks for a blob, of whose body no more than most bytes are of interest.
	blob bool
	most int64
	// byteRange is the part of the body that is asked for; empty for all of it.
	byteRange string
}

// answer is one HTTP response, reduced to what can decide a verdict.
type answer struct {
	status      int
	contentType string
	digest      string
	length      int64 // the header's, -1 when unknown
	body        []byte
	codes       []transport.ErrorCode
	challenge   challenge
	retryAfter  time.Duration
	// elsewhere marks the answer of another host, after a redirect.
	elsewhere bool
	// authorization is what was shown to get this answer.
	authorization string
}

// size is that of the manifest: of its body where that was read.
func (a answer) size() int64 {
	if a.body != nil {
		return int64(len(a.body))
	}
	return a.length
}

// send makes one HTTP exchange, redirects included, within the request timeout.
func (q *question) send(ctx context.Context, p probe, authorization string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, q.client.options.RequestTimeout)
	defer cancel()
	resp, err := q.roundTrip(ctx, q.endpoint.Scheme, p, authorization)
	if q.endpoint.Scheme == "https" && q.speaksPlainHTTP(err) {
		resp, err = q.roundTrip(ctx, "http", p, authorization)
	}
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	a, err := q.read(resp, p)
	a.authorization = authorization
	return a, err
}

// speaksPlainHTTP reports whether the host may be asked again in plain HTTP. One without a port that refuses TLS may still
// listen where plain HTTP has its own.
func (q *question) speaksPlainHTTP(err error) bool {
	host := authority("http", q.endpoint.Name)
	switch {
	case errors.Is(err, http.ErrSchemeMismatch):
		return q.endpoint.HTTPFallback || q.client.guard.allowsPlainHTTP(host)
	case errors.Is(err, syscall.ECONNREFUSED) && host != q.endpoint.Name:
		return q.endpoint.HTTPFallback || q.client.guard.insecure.MatchHost(host)
	}
	return false
}

func (q *question) roundTrip(ctx context.Context, scheme string, p probe, authorization string) (*http.Response, error) {
	address, err := q.address(scheme, p)
	if err != nil {
		return nil, err
	}
	req, err := q.newRequest(ctx, p.method, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header["Accept"] = append(req.Header["Accept"], p.accept)
	if p.byteRange != "" {
		req.Header.Set("Range", p.byteRange)
	}
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	return q.endpoint.contents.Do(req)
}

// address is that of a manifest or a blob. Like containerd it takes the file's path for part of a URL in text, whatever is
// in it.
func (q *question) address(scheme string, p probe) (*url.URL, error) {
	e := q.endpoint
	kind := "manifests"
	if p.blob {
		kind = "blobs"
	}
	address, err := url.Parse(scheme + "://" + e.Name + path.Join("/", e.Path, q.ref.Path, kind, p.object))
	if err != nil {
		return nil, fmt.Errorf("making the address: %w", err)
	}
	if e.isMirror() {
		query := address.Query()
		query.Add("ns", e.namespace)
		address.RawQuery = query.Encode()
	}
	return address, nil
}

// newRequest makes a request to the endpoint or to its token service, with the header that the nodes have for both.
func (q *question) newRequest(ctx context.Context, method string, address *url.URL, body io.Reader) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, address.String(), body)
	if err != nil {
		return nil, err
	}
	for key, values := range q.endpoint.Header {
		req.Header[key] = append(req.Header[key], values...)
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", q.client.options.UserAgent)
	}
	return req, nil
}

// read takes from a response what can decide, and bounds what a registry may send.
func (q *question) read(resp *http.Response, p probe) (answer, error) {
	a := answer{
		status:      resp.StatusCode,
		contentType: mediaType(resp.Header),
		digest:      resp.Header.Get("Docker-Content-Digest"),
		length:      resp.ContentLength,
		retryAfter:  retryAfter(resp.Header, q.client.options.Clock.Now()),
		elsewhere:   resp.Request.URL.Host != q.endpoint.Name,
	}
	if a.status == http.StatusUnauthorized {
		a.challenge = parseChallenge(resp.Header)
	}
	if resp.Request.Method == http.MethodHead {
		return a, nil
	}
	if a.status >= 300 {
		a.codes = errorCodes(resp)
		return a, nil
	}
	limit := q.client.options.ManifestBytes
	if p.blob {
		limit = p.most
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err == nil {
		// A server that hears of the end of our time may end a body as if that were all of it.
		err = resp.Request.Context().Err()
	}
	a.body = body
	return a, err
}

// errorCodes reads the codes of an error body; transport.CheckError bounds what it reads of it.
func errorCodes(resp *http.Response) []transport.ErrorCode {
	refusal, ok := asError[*transport.Error](transport.CheckError(resp))
	if !ok {
		return nil
	}
	codes := make([]transport.ErrorCode, 0, len(refusal.Errors))
	for _, d := range refusal.Errors {
		codes = append(codes, d.Code)
	}
	return codes
}

// maxRetryAfter is longer than any window in use, Docker Hub's being six hours. Beyond it lies only mischief.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads the header of that name, in seconds or as a date (RFC 9110, section 10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	if date, err := http.ParseTime(value); err == nil && date.After(now) {
		return min(date.Sub(now), maxRetryAfter)
	}
	return 0
}
