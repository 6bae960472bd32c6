package credentials

import (
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pullgate/pullgate/webhook/imagepull"
)

// mustDockerConfigFile returns a config.json of the nodes with the given text.
func mustDockerConfigFile(t *testing.T, text string) *DockerConfigFile {
	t.Helper()
	f, err := NewDockerConfigFile(func() ([]byte, error) { return []byte(text), nil }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	return f
}

// editableFile is a file that the test changes.
type editableFile struct {
	mu   sync.Mutex
	text string
	err  error
}

func (f *editableFile) read() ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return []byte(f.text), f.err
}

func (f *editableFile) edit(text string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.err = text, err
}

func TestDockerConfigFileFollowsTheFile(t *testing.T) {
	t.Parallel()
	unreadable := []Problem{{"the nodes' config.json", "it cannot be read"}}
	var log strings.Builder
	file := &editableFile{text: dockerConfigJSON("r.example=alice")}
	config, err := NewDockerConfigFile(file.read, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	node := Node{Source: fakeSource{}, DockerConfig: config}
	for _, step := range []struct {
		name     string
		text     string
		err      error
		want     []string
		problems []Problem
		logLines int
	}{
		{"unchanged", dockerConfigJSON("r.example=alice"), nil, []string{"alice"}, nil, 0},
		{"another user", dockerConfigJSON("r.example=bob"), nil, []string{"bob"}, nil, 0},
		{"deleted", "", fs.ErrNotExist, []string{""}, unreadable, 1},
		{"still deleted", "", fs.ErrNotExist, []string{""}, unreadable, 1},
		{"not JSON", password, nil, []string{""}, unreadable, 1},
		{"restored", dockerConfigJSON("r.example=bob"), nil, []string{"bob"}, nil, 2},
		{"an entry does not decode", `{"auths": {"r.example": {"auth": "` + password + `"}}}`, nil, []string{""}, unreadable, 3},
		{"empty", "{}", nil, []string{""}, nil, 4},
	} {
		file.edit(step.text, step.err)
		set := node.Credentials(t.Context(), imagepull.Pod{})
		if diff := cmp.Diff(step.want, users(set, "r.example/app")); diff != "" {
			t.Errorf("%s: users (-want +got):\n%s", step.name, diff)
		}
		if _, problems := lookup(set, "r.example/app"); !cmp.Equal(step.problems, problems) {
			t.Errorf("%s: problems (-want +got):\n%s", step.name, cmp.Diff(step.problems, problems))
		}
		if got := strings.Count(log.String(), "\n"); got != step.logLines {
			t.Errorf("%s: %d log lines, want %d", step.name, got, step.logLines)
		}
	}
	if strings.Contains(log.String(), password) {
		t.Error("the log quotes the file")
	}
}

func TestNewDockerConfigFileRequiresAReadableFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file *editableFile
		want string
	}{
		"missing":           {&editableFile{err: fs.ErrNotExist}, "reading the nodes' config.json: file does not exist"},
		"not JSON":          {&editableFile{text: "auths:"}, "decoding the nodes' config.json: it is not JSON"},
		"list":              {&editableFile{text: "[]"}, "decoding the nodes' config.json: it does not have the shape of a docker config"},
		"broken auth field": {&editableFile{text: `{"auths": {"r": {"auth": "!"}}}`}, "decoding the nodes' config.json: an auth field is not base64"},
		"auths is text":     {&editableFile{text: `{"auths": "r.example"}`}, "decoding the nodes' config.json: it does not have the shape of a docker config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewDockerConfigFile(test.file.read, slog.New(slog.DiscardHandler))
			if err == nil || err.Error() != test.want {
				t.Errorf("NewDockerConfigFile() error = %v, want %s", err, test.want)
			}
			if test.file.err != nil && !errors.Is(err, test.file.err) {
				t.Errorf("NewDockerConfigFile() error = %v, want it to wrap %v", err, test.file.err)
			}
		})
	}
}

func TestDockerConfigFileIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	file := &editableFile{text: dockerConfigJSON("r.example=alice")}
	config, err := NewDockerConfigFile(file.read, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("NewDockerConfigFile() error = %v, want none", err)
	}
	var pods sync.WaitGroup
	for i := range 16 {
		pods.Go(func() {
			if i == 0 {
				file.edit(dockerConfigJSON("r.example=alice", "q.example=bob"), nil)
			}
			set := Node{Source: fakeSource{}, DockerConfig: config}.Credentials(t.Context(), imagepull.Pod{})
			if diff := cmp.Diff([]string{"alice"}, users(set, "r.example/app")); diff != "" {
				t.Errorf("users (-want +got):\n%s", diff)
			}
		})
	}
	pods.Wait()
}
