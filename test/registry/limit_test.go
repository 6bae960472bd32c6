package registry

import (
	"net/http"
	"testing"
	"time"
)

func TestLimit(t *testing.T) {
	t.Parallel()
	clock := newFakeClock()
	s := start(t, Config{Now: clock.Now})
	pushImage(t, s, "shop/web:1")
	s.Limit(Limit{Requests: 2, Per: time.Minute})
	pull := request{path: "/v2/shop/web/manifests/1"}

	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	clock.advance(30 * time.Second)
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	clock.advance(100 * time.Millisecond)
	resp := send(t, s, pull)
	resp.wantStatus(t, http.StatusTooManyRequests, "TOOMANYREQUESTS")
	if got := resp.Header.Get("Retry-After"); got != "30" {
		t.Errorf("got Retry-After %q, want 30: the rest of the minute, rounded up", got)
	}
	clock.advance(30 * time.Second)
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
}

func TestLimitCovers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limit   Limit
		request request
		want    int
	}{
		"every repository":   {request: request{path: "/v2/shop/web/manifests/1"}, want: 429},
		"the repository":     {limit: Limit{Repository: "shop/*"}, request: request{path: "/v2/shop/web/manifests/1"}, want: 429},
		"another repository": {limit: Limit{Repository: "team/*"}, request: request{path: "/v2/shop/web/manifests/1"}, want: 200},
		"the method":         {limit: Limit{Method: "GET"}, request: request{path: "/v2/shop/web/manifests/1"}, want: 429},
		"another method":     {limit: Limit{Method: "GET"}, request: request{method: "HEAD", path: "/v2/shop/web/manifests/1"}, want: 200},
		"tags":               {request: request{path: "/v2/shop/web/tags/list"}, want: 429},
		"a ping is exempt":   {request: request{path: "/v2/"}, want: 200},
	}
	for title, tt := range tests {
		t.Run(title, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{})
			pushImage(t, s, "shop/web:1")
			tt.limit.Per = time.Hour
			remove := s.Limit(tt.limit)
			send(t, s, tt.request).wantStatus(t, tt.want, "")
			remove()
			send(t, s, tt.request).wantStatus(t, http.StatusOK, "")
		})
	}
}

func TestLimitCountsOnlyAuthorizedRequests(t *testing.T) {
	t.Parallel()
	s, _ := startWithAccounts(t, Config{Auth: AuthBasic})
	s.Limit(Limit{Requests: 1, Per: time.Hour})
	anonymous := request{path: "/v2/shop/web/manifests/1"}
	send(t, s, anonymous).wantStatus(t, http.StatusUnauthorized, "")
	send(t, s, anonymous).wantStatus(t, http.StatusUnauthorized, "")
	authenticated := request{path: "/v2/shop/web/manifests/1", username: "alice", password: alicePassword}
	send(t, s, authenticated).wantStatus(t, http.StatusOK, "")
	send(t, s, authenticated).wantStatus(t, http.StatusTooManyRequests, "")
}

func TestEveryLimitCounts(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	pushImage(t, s, "shop/web:1")
	pull := request{path: "/v2/shop/web/manifests/1"}
	s.Limit(Limit{Requests: 5, Per: time.Hour})
	remove := s.Limit(Limit{Requests: 1, Per: time.Hour})
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	send(t, s, pull).wantStatus(t, http.StatusTooManyRequests, "")
	remove()
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	send(t, s, pull).wantStatus(t, http.StatusOK, "")
	send(t, s, pull).wantStatus(t, http.StatusTooManyRequests, "")
}
