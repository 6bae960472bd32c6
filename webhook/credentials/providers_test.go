package credentials

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

func TestProvidersMatch(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		match      []string
		repository string
		asked      bool
	}{
		"host":                    {[]string{"r.example"}, "r.example/app", true},
		"another host":            {[]string{"q.example"}, "r.example/app", false},
		"second pattern":          {[]string{"q.example", "r.example"}, "r.example/app", true},
		"wildcard":                {[]string{"*.dkr.ecr.*.amazonaws.com"}, "1.dkr.ecr.eu-west-1.amazonaws.com/app", true},
		"wildcard over two parts": {[]string{"*.example"}, "a.r.example/app", false},
		"path":                    {[]string{"r.example/team"}, "r.example/team/app", true},
		"another path":            {[]string{"r.example/team"}, "r.example/app", false},
		"port":                    {[]string{"r.example:5000"}, "r.example:5000/app", true},
		"no port":                 {[]string{"r.example"}, "r.example:5000/app", false},
		"Docker Hub by its key":   {[]string{"index.docker.io"}, "docker.io/library/nginx", false},
		"Docker Hub by its name":  {[]string{"docker.io"}, "docker.io/library/nginx", true},
		"scheme":                  {[]string{"https://r.example"}, "r.example/app", false},
		"glob that is broken":     {[]string{"[.example"}, "r.example/app", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{name: "fake", match: test.match, answer: always(answerOf(perImage))}
			if _, problems := newFakeNode(t, program).ask(t.Context(), test.repository); len(problems) > 0 {
				t.Errorf("problems %v, want none", problems)
			}
			if asked := program.questions() == test.repository; asked != test.asked {
				t.Errorf("asked: %t (%q), want %t", asked, program.questions(), test.asked)
			}
		})
	}
}

// TestProvidersMakeOneRing: what comes first is decided by the key, and by the order of the providers only for equal keys.
func TestProvidersMakeOneRing(t *testing.T) {
	t.Parallel()
	one := &fakeProgram{name: "one", match: []string{"r.example"}, answer: always(answerOf(perImage, "r.example=one", "index.docker.io=hub"))}
	two := &fakeProgram{name: "two", match: []string{"r.example", "docker.io"}, answer: always(answerOf(perImage, "r.example=two", "r.example/app=path", "docker.io=direct"))}
	other := &fakeProgram{name: "other", match: []string{"q.example"}, answer: always(answerOf(perImage, "r.example=other"))}
	n := newFakeNode(t, one, two, other)
	for repository, want := range map[string][]string{
		"r.example/app":   {"path", "one", "two"},
		"r.example/web":   {"one", "two"},
		"docker.io/a/app": {"direct"},
		"q.example/app":   nil,
	} {
		got, problems := n.ask(t.Context(), repository)
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("%s: problems %v, users (-want +got):\n%s", repository, problems, diff)
		}
	}
}

func TestProvidersFail(t *testing.T) {
	t.Parallel()
	const subject = `credential provider "fake"`
	for name, test := range map[string]struct {
		token   bool
		answer  func(string) (string, error)
		problem string
		log     string
	}{
		"the program fails":      {false, func(string) (string, error) { return "", errTimedOut }, "it failed", "it took too long and was ended"},
		"no JSON":                {false, always(password), "it failed", "not the JSON of a CredentialProviderResponse"},
		"another version":        {false, always(strings.Replace(answerOf(perImage), requestV1, requestV1+"beta1", 1)), "it failed", "another apiVersion"},
		"no way to remember":     {false, always(answerOf(`"cacheKeyType": "` + password + `"`)), "it failed", "a cacheKeyType other than"},
		"a token is asked for":   {true, always(answerOf(perImage, "r.example=alice")), "it needs a service account token, which Pullgate can't make", ""},
		"an error with a secret": {false, func(string) (string, error) { return password, runError(errors.New("broken pipe")) }, "it failed", "running it: broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{name: "fake", match: []string{"r.example"}, token: test.token, answer: test.answer}
			good := &fakeProgram{name: "good", match: []string{"r.example"}, answer: always(answerOf(perImage, "r.example=good"))}
			n := newFakeNode(t, program, good)
			got, problems := n.ask(t.Context(), "r.example/app")
			if diff := cmp.Diff([]string{"good"}, got); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]Problem{{subject, test.problem}}, problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			log := n.log.String()
			if !strings.Contains(log, test.log) || (test.log == "") != (log == "") || strings.Contains(log, password) {
				t.Errorf("log:\n%s\nwant %q in it and nothing secret", log, test.log)
			}
			if test.log != "" && !strings.Contains(log, "provider=fake repository=r.example/app") {
				t.Errorf("log:\n%s\nwant the provider and the repository in it", log)
			}
		})
	}
}

// TestProvidersAnswerLate: who asked has a doubt, and the next has the answer.
func TestProvidersAnswerLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, answer: func(string) (string, error) {
			<-release
			return answerOf(perImage, "r.example=alice"), nil
		}}
		n := newFakeNode(t, program)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		got, problems := n.ask(ctx, "r.example/app")
		if diff := cmp.Diff([]Problem{{`credential provider "slow"`, "it did not answer in time"}}, problems); diff != "" || len(got) > 0 {
			t.Errorf("users %v, problems (-want +got):\n%s", got, diff)
		}
		close(release)
		synctest.Wait()
		got, problems = n.ask(ctx, "r.example/app")
		if diff := cmp.Diff([]string{"alice"}, got); diff != "" || len(problems) > 0 {
			t.Errorf("problems %v, users (-want +got):\n%s", problems, diff)
		}
		if got := program.questions(); got != "r.example/app" {
			t.Errorf("asked for %q, want r.example/app once", got)
		}
	})
}

// TestProvidersTakeTurns: no more run at once than there are turns, who has no time left does not wait, and does not take
// along those who have.
func TestProvidersTakeTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, answer: func(string) (string, error) {
			<-release
			return answerOf(perImage, "r.example=alice"), nil
		}}
		n := newFakeNode(t, program)
		n.providers.host.turns = make(chan struct{}, 1)
		var all sync.WaitGroup
		ask := func(ctx context.Context, repository string, problem string) {
			all.Go(func() {
				_, problems := n.ask(ctx, repository)
				if got := len(problems) == 1 && problems[0].Detail == problem; got != (problem != "") {
					t.Errorf("%s: problems %v, want %q", repository, problems, problem)
				}
			})
			synctest.Wait()
		}
		ask(t.Context(), "r.example/first", "")
		impatient, cancel := context.WithCancel(t.Context())
		ask(impatient, "r.example/second", "it did not answer in time")
		ask(t.Context(), "r.example/second", "")
		cancel()
		synctest.Wait()
		if got := program.questions(); got != "r.example/first" {
			t.Errorf("asked for %q while one runs, want r.example/first", got)
		}
		close(release)
		all.Wait()
		if got := program.questions(); got != "r.example/first r.example/second" {
			t.Errorf("asked for %q, want r.example/first r.example/second", got)
		}
	})
}

// TestProvidersShareAnAnswer: those who wait for their turn find what another has got for them.
func TestProvidersShareAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, answer: func(string) (string, error) {
			<-release
			return answerOf(perRegistry, "r.example=alice"), nil
		}}
		n := newFakeNode(t, program)
		n.providers.host.turns = make(chan struct{}, 1)
		var all sync.WaitGroup
		for _, repository := range []string{"r.example/a", "r.example/a", "r.example/b", "r.example/c"} {
			all.Go(func() {
				if got, problems := n.ask(t.Context(), repository); len(got) != 1 {
					t.Errorf("%s: users %v, problems %v, want alice", repository, got, problems)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		if got := strings.Fields(program.questions()); len(got) != 1 {
			t.Errorf("asked for %v, want one of them", got)
		}
	})
}

func TestProvidersClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		program := &fakeProgram{name: "endless", match: []string{"r.example"}}
		n := newFakeNode(t, program)
		n.providers.list[0].run = func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
		var all sync.WaitGroup
		all.Go(func() { n.ask(t.Context(), "r.example/app") })
		synctest.Wait()
		n.providers.Close()
		select {
		case <-ended:
		default:
			t.Error("Close() did not wait for the program")
		}
		all.Wait()
		if got, problems := n.ask(t.Context(), "r.example/other"); len(got) > 0 || len(problems) != 1 {
			t.Errorf("after Close() users %v, problems %v, want a problem alone", got, problems)
		}
		n.providers.Close()
		(*Providers)(nil).Close()
	})
}
