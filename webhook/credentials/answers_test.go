package credentials

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestAnswersAreRemembered asks for two images of a registry and one of another, and later for the first again.
func TestAnswersAreRemembered(t *testing.T) {
	t.Parallel()
	const a, b, c = "r.example/a", "r.example/b", "q.example/c"
	for name, test := range map[string]struct {
		answer, duration string
		after            time.Duration
		want             []string
	}{
		"by image":                              {perImage, "1m", 0, []string{a, b, c}},
		"by registry":                           {perRegistry, "1m", 0, []string{a, c}},
		"for all":                               {forAll, "1m", 0, []string{a}},
		"by image, to the end":                  {perImage, "1m", time.Minute, []string{a, b, c}},
		"by image, just over":                   {perImage, "1m", time.Minute + 1, []string{a, b, c, a}},
		"by registry, just over":                {perRegistry, "1m", time.Minute + 1, []string{a, c, a}},
		"for all, just over":                    {forAll, "1m", time.Minute + 1, []string{a, a}},
		"its own duration, to the end":          {perImage + `, "cacheDuration": "1h"`, "1m", time.Hour, []string{a, b, c}},
		"its own duration, just over":           {perImage + `, "cacheDuration": "1h"`, "1m", time.Hour + 1, []string{a, b, c, a}},
		"its own duration, without another":     {perImage + `, "cacheDuration": "1h"`, "0s", time.Hour, []string{a, b, c}},
		"null for a duration":                   {perImage + `, "cacheDuration": null`, "1m", time.Minute, []string{a, b, c}},
		"never, it says":                        {forAll + `, "cacheDuration": "0s"`, "1m", 0, []string{a, b, c, a}},
		"never, by the configuration":           {forAll, "0s", 0, []string{a, b, c, a}},
		"a duration in the past, which is none": {forAll + `, "cacheDuration": "-1s"`, "1m", 0, []string{a, b, c, a}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{
				name: "fake", match: []string{"r.example", "q.example"}, duration: test.duration,
				answer: always(answerOf(test.answer, "*.example=alice")),
			}
			n := newFakeNode(t, program)
			for i, repository := range []string{a, b, c, a} {
				if i == 3 {
					n.clock.SetTime(n.clock.Now().Add(test.after))
				}
				if got, problems := n.ask(t.Context(), repository); len(got) != 1 || got[0] != "alice" {
					t.Errorf("%s: users %v, problems %v, want alice", repository, got, problems)
				}
			}
			if got, want := program.questions(), strings.Join(test.want, " "); got != want {
				t.Errorf("asked for %q, want %q", got, want)
			}
		})
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	fails := true
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, answer: func(string) (string, error) {
		if fails {
			return "", errTimedOut
		}
		return answerOf(forAll, "r.example=alice"), nil
	}}
	n := newFakeNode(t, program)
	if got, problems := n.ask(t.Context(), "r.example/app"); len(got) > 0 || len(problems) != 1 {
		t.Errorf("users %v, problems %v, want a problem alone", got, problems)
	}
	fails = false
	if got, problems := n.ask(t.Context(), "r.example/app"); len(got) != 1 || len(problems) > 0 {
		t.Errorf("users %v, problems %v, want alice", got, problems)
	}
}

func TestLongAnswersAreNotRemembered(t *testing.T) {
	t.Parallel()
	logins := make([]string, 0, memoryBytes/keyBytes)
	for i := range cap(logins) {
		logins = append(logins, fmt.Sprintf("r%d.example=alice", i))
	}
	program := &fakeProgram{name: "fake", match: []string{"r1.example"}, answer: always(answerOf(forAll, logins...))}
	n := newFakeNode(t, program)
	for range 2 {
		if got, problems := n.ask(t.Context(), "r1.example/app"); len(got) != 1 || len(problems) > 0 {
			t.Errorf("users %v, problems %v, want alice", got, problems)
		}
	}
	if got := len(strings.Fields(program.questions())); got != 2 {
		t.Errorf("asked %d times, want 2", got)
	}
}

func TestAnswersAreBoundedAndSwept(t *testing.T) {
	t.Parallel()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, answer: always(answerOf(perImage, "r.example=alice"))}
	n := newFakeNode(t, program)
	held := n.providers.list[0].answers
	for i := range maxAnswers + 10 {
		n.ask(t.Context(), fmt.Sprintf("r.example/%d", i))
	}
	if got := held.byKey.Len(); got != maxAnswers {
		t.Errorf("%d answers are remembered, want %d", got, maxAnswers)
	}
	n.clock.SetTime(n.clock.Now().Add(time.Hour))
	n.ask(t.Context(), "r.example/app")
	if got := held.byKey.Len(); got != 1 {
		t.Errorf("%d answers are remembered an hour later, want the new one", got)
	}
}
