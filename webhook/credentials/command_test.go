//go:build unix

package credentials

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script is a program for the shell.
func script(text string, environ ...string) command {
	return command{path: "/bin/sh", args: []string{"-c", text}, environ: environ, timeout: time.Minute, wait: time.Minute}
}

func TestCommandRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		command command
		want    string
		err     string
	}{
		"input becomes output":      {script("cat"), "question", ""},
		"input that nobody reads":   {script("echo answer"), "answer\n", ""},
		"the environment, and none": {script(`echo "$A$HOME"`, "A=1", "A=2"), "2\n", ""},
		"nothing":                   {script("true"), "", ""},
		"standard error":            {script("echo " + password + " >&2; echo answer"), "answer\n", ""},
		"a failure":                 {script("echo " + password + "; echo " + password + " >&2; exit 3"), "", "it ended with status 3"},
		"a signal":                  {script("kill -9 $$"), "", "it ended with status -1"},
		"no program":                {command{path: "/nowhere/program", timeout: time.Minute}, "", "running it: fork/exec /nowhere/program: no such file or directory"},
		"too long an answer":        {script("exec cat /dev/zero"), "", errTooLong.Error()},
		"too long a time":           {command{path: "/bin/sh", args: []string{"-c", "exec sleep 60"}, timeout: 20 * time.Millisecond, wait: time.Minute}, "", errTimedOut.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.command.run(t.Context(), []byte("question"))
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if errorText(err) != test.err {
				t.Errorf("error = %v, want %q", err, test.err)
			}
		})
	}
}

// TestCommandEndsWhatItStarted: each script leaves a process behind that holds one end of a pipe. When that is gone the
// pipe is at its end.
func TestCommandEndsWhatItStarted(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script string
		wait   time.Duration
		cancel bool
		want   error
	}{
		"the caller has enough":            {"sleep 600 >\"$PIPE\" & echo started >\"$PIPE\"; wait", time.Minute, true, errTimedOut},
		"the program fails":                {"{ echo started; exec sleep 600; } >\"$PIPE\" & read line <\"$GO\"; exit 3", time.Minute, false, nil},
		"the program ends, its output not": {"{ echo started >&3; exec sleep 600; } 3>\"$PIPE\" & read line <\"$GO\"", 10 * time.Millisecond, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pipe, begin := filepath.Join(dir, "pipe"), filepath.Join(dir, "go")
			for _, path := range []string{pipe, begin} {
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Fatalf("making a pipe: %v", err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			failed := make(chan error, 1)
			go func() {
				c := script(test.script, "PIPE="+pipe, "GO="+begin, "PATH="+os.Getenv("PATH"))
				c.wait = test.wait
				_, err := c.run(ctx, nil)
				failed <- err
			}()
			left, err := os.Open(pipe)
			if err != nil {
				t.Fatalf("opening the pipe: %v", err)
			}
			defer left.Close()
			if _, err := io.ReadFull(left, make([]byte, len("started\n"))); err != nil {
				t.Fatalf("reading from the pipe: %v", err)
			}
			if test.cancel {
				cancel()
			} else if err := os.WriteFile(begin, []byte("\n"), 0o600); err != nil {
				t.Fatalf("writing to the program: %v", err)
			}
			if err := <-failed; err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if rest, err := io.ReadAll(left); err != nil || len(rest) > 0 {
				t.Errorf("the pipe gave %q, %v, want its end", rest, err)
			}
		})
	}
}

func TestBoundedBuffer(t *testing.T) {
	t.Parallel()
	overflows := 0
	b := &boundedBuffer{limit: 4, overflow: func() { overflows++ }}
	for _, text := range []string{"ab", "cd", ""} {
		if n, err := b.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write(%q) = %d, %v, want all of it", text, n, err)
		}
	}
	if n, err := b.Write([]byte("e")); n != 0 || !errors.Is(err, errTooLong) || overflows != 1 || !b.full {
		t.Errorf("Write() over the limit = %d, %v, %d overflows, want nothing and an error", n, err, overflows)
	}
	if !bytes.Equal(b.text.Bytes(), []byte("abcd")) {
		t.Errorf("the buffer holds %q, want abcd", b.text.Bytes())
	}
}

// binDir returns a directory with the shell under each of the names. To write a program and to run it at once may fail
// while other tests start theirs.
func binDir(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.Symlink("/bin/sh", filepath.Join(dir, name)); err != nil {
			t.Fatalf("making a program: %v", err)
		}
	}
	return dir
}

// TestNewProviders runs programs as configured, from the file to the credential.
func TestNewProviders(t *testing.T) {
	t.Parallel()
	log, text := newLog()
	echo := func(name, script, env string) string {
		return providerText(name, "  args: [-c, '"+script+"']", "  env: [{name: ANSWER, value: '"+env+"'}]")
	}
	answer := answerOf(perImage, "a.r.example=alice")
	files := fstest.MapFS{
		"d/10.yaml": {Data: []byte(echo("sh", `read request; case $request in *a.r.example/app*) echo "$ANSWER";; esac`, answer))},
		"d/20.yaml": {Data: []byte(echo("bash", "echo "+password+" >&2; exit 4", ""))},
		"d/30.yaml": {Data: []byte(providerText("absent", token))},
	}
	p, err := NewProviders(ProvidersOptions{Files: files, Name: "d", BinDir: binDir(t, "sh", "bash"), Environ: os.Environ(), Log: log})
	if err != nil {
		t.Fatalf("NewProviders() error = %v, want none", err)
	}
	defer p.Close()
	got, problems := p.match(t.Context(), "a.r.example/app")
	if diff := cmp.Diff([]string{"alice"}, users(got)); diff != "" || got[0].Password != password || got[0].Source != "node/plugin/sh" {
		t.Errorf("credentials %v, users (-want +got):\n%s", got, diff)
	}
	want := []Problem{
		{`credential provider "bash"`, "it failed"},
		{`credential provider "absent"`, "it needs a service account token, which Pullgate can't make"},
	}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if log := text.String(); !strings.Contains(log, `error="it ended with status 4"`) || strings.Contains(log, password) {
		t.Errorf("log:\n%s\nwant the status and nothing secret", log)
	}
}

func TestNewProvidersMistakes(t *testing.T) {
	t.Parallel()
	dir := binDir(t)
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ text, want string }{
		"a mistake in the file": {providerText("ecr", "  nme: x"), "providers.yaml: providers[0].nme: Forbidden: unknown or repeated key"},
		"no program":            {providerText("ecr"), `providers[0].name: the directory of the providers holds no executable of this name: "ecr"`},
		"no executable":         {providerText("data"), `providers[0].name: the directory of the providers holds no executable of this name: "data"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, _ := newLog()
			files := fstest.MapFS{"providers.yaml": {Data: []byte(test.text)}}
			_, err := NewProviders(ProvidersOptions{Files: files, Name: "providers.yaml", BinDir: dir, Log: log})
			if errorText(err) != test.want {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
}
