package plugin

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// The order of the providers matters for equal keys only.
func TestProvidersMakeOneKeyring(t *testing.T) {
	t.Parallel()
	one := &fakeProgram{name: "one", match: []string{"r.example"}, respond: always(responseJSON(perImage, "r.example=one", "index.docker.io=hub"))}
	two := &fakeProgram{name: "two", match: []string{"r.example", "docker.io"}, respond: always(responseJSON(perImage, "r.example=two", "r.example/app=path", "docker.io=direct"))}
	other := &fakeProgram{name: "other", match: []string{"q.example"}, respond: always(responseJSON(perImage, "r.example=other"))}
	n := newFakeNode(t, one, two, other)
	for repository, want := range map[string][]string{
		"r.example/app":   {"path", "one", "two"},
		"r.example/web":   {"one", "two"},
		"docker.io/a/app": {"direct"},
		"q.example/app":   nil,
	} {
		got, problems := n.provide(t.Context(), repository)
		if diff := cmp.Diff(want, got); diff != "" || len(problems) > 0 {
			t.Errorf("%s: problems %v, users (-want +got):\n%s", repository, problems, diff)
		}
	}
}

func TestProvidersCloseWaitsForThePrograms(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan struct{})
		program := &fakeProgram{name: "endless", match: []string{"r.example"}}
		n := newFakeNode(t, program)
		n.providers.list[0].exec = func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			close(ended)
			return nil, ctx.Err()
		}
		var all sync.WaitGroup
		all.Go(func() { n.provide(t.Context(), "r.example/app") })
		synctest.Wait()
		n.providers.Close()
		select {
		case <-ended:
		default:
			t.Error("Close() did not wait for the program")
		}
		all.Wait()
		if got, problems := n.provide(t.Context(), "r.example/other"); len(got) > 0 || len(problems) != 1 {
			t.Errorf("after Close() users %v, problems %v, want one problem only", got, problems)
		}
		n.providers.Close()
		(*Providers)(nil).Close()
	})
}
