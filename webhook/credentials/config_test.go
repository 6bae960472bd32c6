package credentials

import (
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// changingFile is a file that the test rewrites.
type changingFile struct {
	mu   sync.Mutex
	text string
	err  error
}

func (f *changingFile) read() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.text), f.err
}

func (f *changingFile) change(text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.err = text, err
}

func TestConfigFollowsTheFile(t *testing.T) {
	t.Parallel()
	unknown := []Problem{{"the nodes' config.json", "it can't be read"}}
	log, text := newLog()
	file := &changingFile{text: config("r.example=alice")}
	c, err := NewConfig(file.read, log)
	if err != nil {
		t.Fatalf("NewConfig() error = %v, want none", err)
	}
	node := Node{Pods: podSet{}, Config: c}
	for _, step := range []struct {
		name    string
		text    string
		err     error
		want    []string
		unknown []Problem
		lines   int
	}{
		{"as it was", config("r.example=alice"), nil, []string{"alice"}, nil, 0},
		{"another user", config("r.example=bob"), nil, []string{"bob"}, nil, 0},
		{"gone", "", fs.ErrNotExist, []string{""}, unknown, 1},
		{"still gone", "", fs.ErrNotExist, []string{""}, unknown, 1},
		{"broken", password, nil, []string{""}, unknown, 1},
		{"as it was before", config("r.example=bob"), nil, []string{"bob"}, nil, 2},
		{"an entry does not decode", `{"auths": {"r.example": {"auth": "` + password + `"}}}`, nil, []string{""}, unknown, 3},
		{"empty", "{}", nil, []string{""}, nil, 4},
	} {
		file.change(step.text, step.err)
		lookup := node.Credentials(t.Context(), shopPod(), false).Lookup("r.example/app")
		var got []string
		for c := range lookup.All(t.Context()) {
			got = append(got, c.Username)
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: users (-want +got):\n%s", step.name, diff)
		}
		if diff := cmp.Diff(step.unknown, lookup.Unknown()); diff != "" {
			t.Errorf("%s: unknown (-want +got):\n%s", step.name, diff)
		}
		if got := strings.Count(text.String(), "\n"); got != step.lines {
			t.Errorf("%s: %d lines of log, want %d", step.name, got, step.lines)
		}
	}
	if strings.Contains(text.String(), password) {
		t.Error("the log shows what the file holds")
	}
}

func TestConfigMustBeReadableAtFirst(t *testing.T) {
	t.Parallel()
	log, _ := newLog()
	for name, test := range map[string]struct {
		file *changingFile
		want string
	}{
		"not there":            {&changingFile{err: fs.ErrNotExist}, "reading the nodes' config.json: file does not exist"},
		"no JSON":              {&changingFile{text: "auths:"}, "decoding the nodes' config.json: it is not JSON"},
		"another shape":        {&changingFile{text: "[]"}, "decoding the nodes' config.json: it does not have the shape of a docker config"},
		"an auth field":        {&changingFile{text: `{"auths": {"r": {"auth": "!"}}}`}, "decoding the nodes' config.json: an auth field is not base64"},
		"the older .dockercfg": {&changingFile{text: `{"auths": "r.example"}`}, "decoding the nodes' config.json: it does not have the shape of a docker config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewConfig(test.file.read, log)
			if err == nil || err.Error() != test.want {
				t.Errorf("NewConfig() error = %v, want %s", err, test.want)
			}
			if test.file.err != nil && !errors.Is(err, test.file.err) {
				t.Errorf("NewConfig() error = %v, want it to wrap %v", err, test.file.err)
			}
		})
	}
}

func TestConfigConcurrently(t *testing.T) {
	t.Parallel()
	log, _ := newLog()
	file := &changingFile{text: config("r.example=alice")}
	c, err := NewConfig(file.read, log)
	if err != nil {
		t.Fatalf("NewConfig() error = %v, want none", err)
	}
	var pods sync.WaitGroup
	for i := range 16 {
		pods.Go(func() {
			if i == 0 {
				file.change(config("r.example=alice", "q.example=bob"), nil)
			}
			set := Node{Pods: podSet{}, Config: c}.Credentials(t.Context(), shopPod(), false)
			if diff := cmp.Diff([]string{"alice"}, users(candidates(set, "r.example/app"))); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
		})
	}
	pods.Wait()
}

func TestNodeWithoutAnything(t *testing.T) {
	t.Parallel()
	set := Node{Pods: podSet{Missing: []string{"regcred"}}}.Credentials(t.Context(), shopPod(), false)
	if want := (Set{Missing: []string{"regcred"}}); !set.Equal(want) {
		t.Errorf("set = %v, want that of the pod", set)
	}
}
