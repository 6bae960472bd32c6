package egress

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"
)

// source is a gateway to one server, whose responses the test writes.
type source struct {
	t      *testing.T
	budget *semaphore.Weighted
}

// exchangeTime bounds the exchanges of the tests.
const exchangeTime = 10 * time.Second

func newSource(t *testing.T) *source {
	return &source{t, semaphore.NewWeighted(budgetBytes)}
}

// open returns the response with a body. Its length is -1 if it is not stated.
func (s *source) open(body io.Reader, length int64, encoding string) *http.Response {
	s.t.Helper()
	e := &exchange{
		timeout: exchangeTime, budget: s.budget,
		client: &http.Client{Transport: roundTripFunc(func(req *http.Request) (*http.Response, error) {
			resp := &http.Response{StatusCode: http.StatusOK, ContentLength: length, Request: req, Header: http.Header{}}
			if encoding != "" {
				resp.Header.Set("Content-Encoding", encoding)
			}
			resp.Body = &contextBody{req.Context(), body}
			return resp, nil
		})},
	}
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "https://registry.example/v2/", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", fetchEncodings)
	resp, err := e.RoundTrip(req)
	if err != nil {
		s.t.Fatal(err)
	}
	return resp
}

// contextBody is a body that fails when the context of its request ends, as one of net/http does.
type contextBody struct {
	ctx context.Context
	io.Reader
}

func (b *contextBody) Read(p []byte) (int, error) {
	if b.Reader == nil {
		<-b.ctx.Done()
	}
	if b.ctx.Err() != nil {
		return 0, b.ctx.Err()
	}
	return b.Reader.Read(p)
}

func (b *contextBody) Close() error { return nil }

// long returns a body that needs a place.
func long() io.Reader { return bytes.NewReader(make([]byte, 2*freeBytes)) }

// slow returns a body that needs a place, and never ends.
func slow() io.Reader { return io.MultiReader(long(), &never{}) }

// never is a reader without data. contextBody ends it.
type never struct{}

func (*never) Read([]byte) (int, error) { time.Sleep(time.Millisecond); return 0, nil }

func closeBody(t *testing.T, resp *http.Response) {
	t.Helper()
	if err := resp.Body.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func TestLongBodiesShareABudget(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		length int64
		places int
	}{
		"of a short stated length": {2 * freeBytes, 8},
		"of a long stated length":  {4 << 20, 4},
		"of no stated length":      {-1, 3},
		"of an absurd length":      {1 << 40, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSource(t)
				var held []*http.Response
				for range test.places {
					resp := s.open(long(), test.length, "")
					if _, err := io.Copy(io.Discard, resp.Body); err != nil {
						t.Fatalf("reading a body with a place: %v", err)
					}
					held = append(held, resp)
				}
				var done bool
				waiting := s.open(long(), test.length, "")
				go func() {
					_, err := io.Copy(io.Discard, waiting.Body)
					done = err == nil
				}()
				synctest.Wait()
				if done {
					t.Error("one body more was read at the same time")
				}
				closeBody(t, held[0])
				synctest.Wait()
				if !done {
					t.Error("the waiting body was not read after another was closed")
				}
				for _, resp := range append(held[1:], waiting) {
					closeBody(t, resp)
				}
				if !s.budget.TryAcquire(budgetBytes) {
					t.Error("a closed body holds its place")
				}
			})
		})
	}
}

// Short bodies are read while long ones take the whole budget. Only content counts, not what an encoding makes of it.
func TestShortBodiesNeedNoPlace(t *testing.T) {
	t.Parallel()
	short := bytes.Repeat([]byte("x"), freeBytes-1)
	bomb := make([]byte, 4<<20)
	for name, test := range map[string]struct {
		body     []byte
		encoding string
		want     error
	}{
		"as it is": {short, "", nil}, "gzip": {encode(t, short, "gzip"), "gzip", nil}, "zstd": {encode(t, short, "zstd"), "zstd", nil},
		"long":           {make([]byte, freeBytes+1), "", ErrBusy},
		"short but long": {encode(t, bomb, "gzip"), "gzip", ErrBusy},
		"a zstd bomb":    {encode(t, bomb, "zstd"), "zstd", ErrBusy},
		"zstd twice":     {encode(t, bomb, "zstd", "zstd"), "zstd, zstd", ErrBusy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newSource(t)
				if !s.budget.TryAcquire(budgetBytes) {
					t.Fatal("the budget is not free")
				}
				resp := s.open(bytes.NewReader(test.body), -1, test.encoding)
				defer closeBody(t, resp)
				// The timeout of the exchange ends the wait for a place.
				if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, test.want) {
					t.Errorf("got error %v, want %v", err, test.want)
				}
			})
		})
	}
}

func TestSlowBodyLosesItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSource(t)
		resp := s.open(slow(), -1, "")
		start := time.Now()
		_, err := io.Copy(io.Discard, resp.Body)
		if !errors.Is(err, context.DeadlineExceeded) || Cause(err) != "no response in time" {
			t.Errorf("got error %v, want a timeout", err)
		}
		if took := time.Since(start); took < placeTime(exchangeTime) || took > 2*placeTime(exchangeTime) {
			t.Errorf("the body held its place for %v, want %v", took, placeTime(exchangeTime))
		}
		closeBody(t, resp)
		if !s.budget.TryAcquire(budgetBytes) {
			t.Error("the slow body still holds its place")
		}
	})
}

// A server that notices the end of an exchange may end the body without an error. The body is incomplete then.
func TestBodyThatEndsWithItsExchangeIsIncomplete(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"empty": "", "short": "{}"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			p := unlimited(&http.Response{})
			p.ctx = ctx
			r := newReader(strings.NewReader(body), p)
			cancel()
			if got, err := io.ReadAll(r); string(got) != body || !errors.Is(err, context.Canceled) {
				t.Errorf("got %q and error %v, want %q and %v", got, err, body, context.Canceled)
			}
		})
	}
}

// A slow body without a place delays no other body. It ends with its exchange.
func TestSlowShortBodyHoldsNoPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSource(t)
		resp := s.open(nil, 4<<20, "")
		if !s.budget.TryAcquire(budgetBytes) {
			t.Error("a body of a few bytes holds a place")
		}
		if _, err := io.Copy(io.Discard, resp.Body); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want a timeout", err)
		}
		closeBody(t, resp)
	})
}

// Any number of frames is bounded by the length of the body, any window and any content by a constant.
func TestZstdIsBounded(t *testing.T) {
	t.Parallel()
	empty := encode(t, nil, "zstd")
	if len(empty) == 0 { // an encoder may write nothing for no content
		empty = []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00, 0x01, 0x00, 0x00}
	}
	frame := encode(t, []byte(content), "zstd")
	// A frame with a window of 1 GiB and an empty block.
	window := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00}
	for name, test := range map[string]struct {
		body []byte
		want string
		err  bool
	}{
		"two frames":     {append(bytes.Clone(frame), frame...), content + content, false},
		"empty frames":   {append(bytes.Repeat(empty, 100_000), frame...), content, false},
		"a huge window":  {window, "", true},
		"a huge content": {encode(t, make([]byte, maxWindowBytes+1), "zstd"), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := decoded(fetchEncodings, "zstd", test.body)
			got, err := io.ReadAll(resp.Body)
			if (err != nil) != test.err || err == nil && string(got) != test.want {
				t.Errorf("got %d bytes and error %v, want %q and an error: %t", len(got), err, test.want, test.err)
			}
		})
	}
}
