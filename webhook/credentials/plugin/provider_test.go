package plugin

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/parallel"
)

func TestMatchImagesSelectsTheProvider(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		match      []string
		repository string
		want       bool
	}{
		"host":                     {[]string{"r.example"}, "r.example/app", true},
		"another host":             {[]string{"q.example"}, "r.example/app", false},
		"second pattern":           {[]string{"q.example", "r.example"}, "r.example/app", true},
		"wildcards":                {[]string{"*.dkr.ecr.*.amazonaws.com"}, "1.dkr.ecr.eu-west-1.amazonaws.com/app", true},
		"wildcard over two labels": {[]string{"*.example"}, "a.r.example/app", false},
		"path":                     {[]string{"r.example/team"}, "r.example/team/app", true},
		"another path":             {[]string{"r.example/team"}, "r.example/app", false},
		"port":                     {[]string{"r.example:5000"}, "r.example:5000/app", true},
		"no port":                  {[]string{"r.example"}, "r.example:5000/app", false},
		"Docker Hub by its key":    {[]string{"index.docker.io"}, "docker.io/library/nginx", false},
		"Docker Hub by its name":   {[]string{"docker.io"}, "docker.io/library/nginx", true},
		"scheme":                   {[]string{"https://r.example"}, "r.example/app", false},
		"broken wildcard":          {[]string{"[.example"}, "r.example/app", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{name: "fake", match: test.match, respond: always(responseJSON(perImage))}
			if _, problems := newFakeNode(t, program).provide(t.Context(), test.repository); len(problems) > 0 {
				t.Errorf("problems %v, want none", problems)
			}
			if got := program.requests() == test.repository; got != test.want {
				t.Errorf("provider runs: %t (requests %q), want %t", got, program.requests(), test.want)
			}
		})
	}
}

func TestProviderFailureIsAProblem(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		needsToken bool
		respond    func(string) (string, error)
		problem    string
		log        string
	}{
		"program fails":          {false, func(string) (string, error) { return "", errTimedOut }, "it failed", "it was killed because it took too long"},
		"not JSON":               {false, always(password), "it failed", "not the JSON of a CredentialProviderResponse"},
		"another version":        {false, always(strings.Replace(responseJSON(perImage), requestV1, requestV1+"beta1", 1)), "it failed", "another apiVersion"},
		"unknown cache key type": {false, always(responseJSON(`"cacheKeyType": "` + password + `"`)), "it failed", "a cacheKeyType other than"},
		"needs a token":          {true, always(responseJSON(perImage, "r.example=alice")), "it needs a service account token, which Pullgate cannot create", ""},
		"error with a secret":    {false, func(string) (string, error) { return password, runError(errors.New("broken pipe")) }, "it failed", "running it: broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			program := &fakeProgram{name: "fake", match: []string{"r.example"}, needsToken: test.needsToken, respond: test.respond}
			good := &fakeProgram{name: "good", match: []string{"r.example"}, respond: always(responseJSON(perImage, "r.example=good"))}
			n := newFakeNode(t, program, good)
			got, problems := n.provide(t.Context(), "r.example/app")
			if diff := cmp.Diff([]string{"good"}, got); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(problem("fake", test.problem), problems); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
			log := n.log.String()
			if !strings.Contains(log, test.log) || (test.log == "") != (log == "") || strings.Contains(log, password) {
				t.Errorf("log:\n%s\nwant %q in it and no secret", log, test.log)
			}
			if test.log != "" && !strings.Contains(log, "provider=fake repository=r.example/app") {
				t.Errorf("log:\n%s\nwant the provider and the repository in it", log)
			}
		})
	}
}

func TestLateResponseServesTheNextCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, respond: func(string) (string, error) {
			<-release
			return responseJSON(perImage, "r.example=alice"), nil
		}}
		n := newFakeNode(t, program)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			synctest.Wait()
			cancel()
		}()
		got, problems := n.provide(ctx, "r.example/app")
		if diff := cmp.Diff(problem("slow", "it did not respond in time"), problems); diff != "" || len(got) > 0 {
			t.Errorf("users %v, problems (-want +got):\n%s", got, diff)
		}
		close(release)
		synctest.Wait()
		got, problems = n.provide(ctx, "r.example/app")
		if diff := cmp.Diff([]string{"alice"}, got); diff != "" || len(problems) > 0 {
			t.Errorf("problems %v, users (-want +got):\n%s", problems, diff)
		}
		if got := program.requests(); got != "r.example/app" {
			t.Errorf("requests %q, want r.example/app once", got)
		}
	})
}

// A caller whose context ends does not wait for a slot, and does not fail the callers that share its request.
func TestSlotsBoundTheRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, respond: func(string) (string, error) {
			<-release
			return responseJSON(perImage, "r.example=alice"), nil
		}}
		n := newFakeNodeWithSlots(t, 1, program)
		var all sync.WaitGroup
		provide := func(ctx context.Context, repository string, problem string) {
			all.Go(func() {
				_, problems := n.provide(ctx, repository)
				if got := len(problems) == 1 && problems[0].Detail == problem; got != (problem != "") {
					t.Errorf("%s: problems %v, want %q", repository, problems, problem)
				}
			})
			synctest.Wait()
		}
		provide(t.Context(), "r.example/first", "")
		impatient, cancel := context.WithCancel(t.Context())
		provide(impatient, "r.example/second", "it did not respond in time")
		provide(t.Context(), "r.example/second", "")
		cancel()
		synctest.Wait()
		if got := program.requests(); got != "r.example/first" {
			t.Errorf("requests %q during the first run, want r.example/first", got)
		}
		close(release)
		all.Wait()
		if got := program.requests(); got != "r.example/first r.example/second" {
			t.Errorf("requests %q, want r.example/first r.example/second", got)
		}
	})
}

func TestCallersThatWaitForASlotShareAResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		program := &fakeProgram{name: "slow", match: []string{"r.example"}, respond: func(string) (string, error) {
			<-release
			return responseJSON(perRegistry, "r.example=alice"), nil
		}}
		n := newFakeNodeWithSlots(t, 1, program)
		var all sync.WaitGroup
		for _, repository := range []string{"r.example/a", "r.example/a", "r.example/b", "r.example/c"} {
			all.Go(func() {
				if got, problems := n.provide(t.Context(), repository); len(got) != 1 {
					t.Errorf("%s: users %v, problems %v, want alice", repository, got, problems)
				}
			})
		}
		synctest.Wait()
		close(release)
		all.Wait()
		if got := strings.Fields(program.requests()); len(got) != 1 {
			t.Errorf("requests %v, want one", got)
		}
	})
}

func TestProviderPanicReachesTheCaller(t *testing.T) {
	t.Parallel()
	program := &fakeProgram{name: "fake", match: []string{"r.example"}, respond: func(string) (string, error) { panic(password) }}
	n := newFakeNode(t, program)
	panicked := parallel.Recover(func() { n.provide(t.Context(), "r.example/app") })
	if panicked == nil || panicked.Error() != "panic of string" {
		t.Errorf("panic = %v, want a panic of string", panicked)
	}
	if log := n.log.String(); !strings.Contains(log, `error="panic of string"`) || strings.Contains(log, password) {
		t.Errorf("log:\n%s\nwant the panic's type and no secret", log)
	}
}
