package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

// Server is the HTTP handler of the webhook. Exchange replaces the handler that decides. It is safe for concurrent use.
type Server struct {
	mu      sync.Mutex
	current *inUse

	// Bodies bounds the bytes of bodies in memory, and Decoding the estimated memory of reviews that are being decoded.
	Bodies, Decoding *Memory
}

// inUse is a handler with the number of its reviews in progress.
type inUse struct {
	*Handler
	reviews sync.WaitGroup
}

// Endpoint returns the HTTP handler of the webhook, for Path.
//
// Every review with a UID gets a response that admits the object or decides on it. If the review exceeds a bound, the
// response admits the object with a warning, whatever the failurePolicy is. Any other request gets the status 400 Bad
// Request, which the API server treats as a failed call, subject to the failurePolicy.
func Endpoint(h *Handler) *Server {
	return &Server{current: &inUse{Handler: h}, Bodies: newMemory(maxBodies), Decoding: newMemory(maxCost)}
}

// Exchange makes h the handler of all reviews that begin later. Reviews in progress end with the handler before it; wait returns after
// the last of them.
func (s *Server) Exchange(h *Handler) (wait func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.current
	s.current = &inUse{Handler: h}
	return before.reviews.Wait
}

// begin returns the handler for one review. The caller calls end after the response.
func (s *Server) begin() (h *Handler, end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current.reviews.Add(1)
	return s.current.Handler, s.current.reviews.Done
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, end := s.begin()
	defer end()
	// The server's context ends on a signal to stop, while requests are in progress. The API server still needs the
	// response, and the budget bounds the time until then.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), handler.Budget.of(r))
	defer cancel()
	response, err := s.respond(ctx, handler, incoming{r.WithContext(ctx), http.NewResponseController(w)})
	if err != nil {
		handler.Observe(ctx, Observation{Refused: true})
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(review{APIVersion: apiVersion, Kind: reviewKind, Response: response})
}

// respond returns the response to a request. The error is errInvalidReview, or nil.
func (s *Server) respond(ctx context.Context, h *Handler, in incoming) (response *admissionv1.AdmissionResponse, err error) {
	head, err := in.readHead()
	if err != nil {
		return nil, err
	}
	defer func() {
		// A defect of Pullgate must deny nothing. Without a response, the failurePolicy would apply.
		if r := recover(); r != nil {
			response, err = h.panicked(ctx, decodeHead(head, nil), r), nil
		}
	}()
	req, err := s.decode(ctx, in, head)
	switch {
	case errors.Is(err, errInvalidReview):
		return nil, errInvalidReview
	case err != nil:
		if req = decodeHead(head, err); !isUID(req.UID) {
			return nil, errInvalidReview
		}
	}
	return h.decide(ctx, req), nil
}

// decode reads and decodes a review. It waits for memory until the context ends.
func (s *Server) decode(ctx context.Context, in incoming, head []byte) (*request, error) {
	length := in.length()
	if length > maxBody {
		return nil, in.drain(errTooLarge)
	}
	if !s.Bodies.acquire(ctx, length) {
		return nil, in.drain(errBusy)
	}
	defer s.Bodies.release(length)
	text, err := in.readBody(head, length)
	if err != nil {
		return nil, err
	}
	cost, err := measure(text)
	if err != nil {
		return nil, err
	}
	if !s.Decoding.acquire(ctx, cost) {
		return nil, errBusy
	}
	defer s.Decoding.release(cost)
	return decodeReview(text)
}

// incoming is a request whose body is read within bounds. Its context has the budget.
type incoming struct {
	*http.Request
	conn *http.ResponseController
}

// readHead reads the start of the body. The error is errInvalidReview, or nil.
func (in incoming) readHead() ([]byte, error) {
	if in.Method != http.MethodPost || in.Header.Get("Content-Type") != "application/json" || in.Body == nil {
		return nil, errInvalidReview
	}
	in.limitTime()
	head := make([]byte, maxHead)
	n, err := io.ReadFull(in.Body, head)
	isPart := errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)
	if err != nil && !isPart || head[0] != '{' {
		return nil, errInvalidReview
	}
	return head[:n], nil
}

// length returns the length of the body, or its bound if the length is not known.
func (in incoming) length() int64 {
	if in.ContentLength < 0 {
		return maxBody
	}
	return in.ContentLength
}

// readBody returns the whole body, which starts with head.
func (in incoming) readBody(head []byte, limit int64) ([]byte, error) {
	in.limitTime()
	text := bytes.NewBuffer(make([]byte, 0, max(in.ContentLength, 0)+bytes.MinRead))
	text.Write(head)
	_, err := text.ReadFrom(io.LimitReader(in.Body, limit-int64(len(head))+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, errSlow
	case err != nil:
		return nil, errInvalidReview
	case int64(text.Len()) > limit:
		return nil, in.drain(errTooLarge)
	}
	_ = in.conn.SetReadDeadline(time.Time{})
	return text.Bytes(), nil
}

// drain reads and drops the rest of a body that is not decoded, and returns the reason. If the server closed the connection
// before the API server has sent the body, the response would be lost.
func (in incoming) drain(reason error) error {
	in.limitTime()
	_, _ = io.CopyN(io.Discard, in.Body, maxDrain)
	return reason
}

// limitTime limits the time until the body is read, where the server supports that.
func (in incoming) limitTime() {
	limit := time.Now().Add(bodyTimeout)
	if end, ok := in.Context().Deadline(); ok && end.Before(limit) {
		limit = end
	}
	_ = in.conn.SetReadDeadline(limit)
}
