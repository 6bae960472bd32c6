package plugin

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestResponsesAreCached requests two images of a registry and one of another, and later the first again.
func TestResponsesAreCached(t *testing.T) {
	t.Parallel()
	const a, b, c = "r.example/a", "r.example/b", "q.example/c"
	for name, test := range map[string]struct {
		response, duration string
		after              time.Duration
		want               []string
	}{
		"per image":                              {perImage, "1m", 0, []string{a, b, c}},
		"per registry":                           {perRegistry, "1m", 0, []string{a, c}},
		"global":                                 {global, "1m", 0, []string{a}},
		"per image, at the expiry":               {perImage, "1m", time.Minute, []string{a, b, c}},
		"per image, just after":                  {perImage, "1m", time.Minute + 1, []string{a, b, c, a}},
		"per registry, just after":               {perRegistry, "1m", time.Minute + 1, []string{a, c, a}},
		"global, just after":                     {global, "1m", time.Minute + 1, []string{a, a}},
		"own duration, at the expiry":            {perImage + `, "cacheDuration": "1h"`, "1m", time.Hour, []string{a, b, c}},
		"own duration, just after":               {perImage + `, "cacheDuration": "1h"`, "1m", time.Hour + 1, []string{a, b, c, a}},
		"own duration without a default":         {perImage + `, "cacheDuration": "1h"`, "0s", time.Hour, []string{a, b, c}},
		"own duration is null":                   {perImage + `, "cacheDuration": null`, "1m", time.Minute, []string{a, b, c}},
		"largest duration":                       {perImage + `, "cacheDuration": "2562047h47m16.854775807s"`, "1m", time.Hour, []string{a, b, c}},
		"not cached, by the response":            {global + `, "cacheDuration": "0s"`, "1m", 0, []string{a, b, c, a}},
		"not cached, by the configuration":       {global, "0s", 0, []string{a, b, c, a}},
		"not cached, because of a past duration": {global + `, "cacheDuration": "-1s"`, "1m", 0, []string{a, b, c, a}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{
				name: "fake", match: []string{"r.example", "q.example"}, duration: test.duration,
				respond: always(responseJSON(test.response, "*.example=alice")),
			}
			n := newFakeNode(t, program)
			for i, repository := range []string{a, b, c, a} {
				if i == 3 {
					n.clock.SetTime(n.clock.Now().Add(test.after))
				}
				if got, problems := n.provide(t.Context(), repository); len(got) != 1 || got[0] != "alice" {
					t.Errorf("%s: users %v, problems %v, want alice", repository, got, problems)
				}
			}
			if got, want := program.requests(), strings.Join(test.want, " "); got != want {
				t.Errorf("requests %q, want %q", got, want)
			}
		})
	}
}

func TestFailuresAreNotCached(t *testing.T) {
	t.Parallel()
	fails := true
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, respond: func(string) (string, error) {
		if fails {
			return "", errTimedOut
		}
		return responseJSON(global, "r.example=alice"), nil
	}}
	n := newFakeNode(t, program)
	if got, problems := n.provide(t.Context(), "r.example/app"); len(got) > 0 || len(problems) != 1 {
		t.Errorf("users %v, problems %v, want one problem only", got, problems)
	}
	fails = false
	if got, problems := n.provide(t.Context(), "r.example/app"); len(got) != 1 || len(problems) > 0 {
		t.Errorf("users %v, problems %v, want alice", got, problems)
	}
}

func TestLargeResponsesAreNotCached(t *testing.T) {
	t.Parallel()
	entries := make([]string, 0, 300)
	for i := range cap(entries) {
		entries = append(entries, fmt.Sprintf("r%d.example=alice", i))
	}
	program := &fakeProgram{name: "fake", match: []string{"r1.example"}, respond: always(responseJSON(global, entries...))}
	n := newFakeNode(t, program)
	keyring, _ := n.providers.Provide(t.Context(), "r1.example/app")
	if size := keyring.Size(); size <= maxResponseBytes {
		t.Fatalf("Size() = %d, want more than %d", size, maxResponseBytes)
	}
	if got, problems := n.provide(t.Context(), "r1.example/app"); len(got) != 1 || len(problems) > 0 {
		t.Errorf("users %v, problems %v, want alice", got, problems)
	}
	if got := len(strings.Fields(program.requests())); got != 2 {
		t.Errorf("%d requests, want 2", got)
	}
}

func TestResponseCacheIsBoundedAndDeletesExpiredResponses(t *testing.T) {
	t.Parallel()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, respond: always(responseJSON(perImage, "r.example=alice"))}
	n := newFakeNode(t, program)
	cache := n.providers.list[0].cache.keyrings
	for i := range maxCachedResponses + 10 {
		n.provide(t.Context(), fmt.Sprintf("r.example/%d", i))
	}
	if got := cache.Len(); got != maxCachedResponses {
		t.Errorf("%d responses in memory, want %d", got, maxCachedResponses)
	}
	n.clock.SetTime(n.clock.Now().Add(time.Hour))
	n.provide(t.Context(), "r.example/app")
	if got := cache.Len(); got != 1 {
		t.Errorf("%d responses in memory an hour later, want only the new one", got)
	}
}
