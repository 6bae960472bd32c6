//go:build unix

package plugin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// script returns a command that runs a shell script.
func script(text string, environ ...string) command {
	return command{path: "/bin/sh", args: []string{"-c", text}, environ: environ, timeout: time.Minute, waitDelay: time.Minute}
}

func TestCommandRun(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		command command
		want    string
		err     string
	}{
		"input is passed on":                      {script("cat"), "request", ""},
		"unread input":                            {script("echo response"), "response\n", ""},
		"environment without inherited variables": {script(`echo "$A$HOME"`, "A=1", "A=2"), "2\n", ""},
		"no output":                               {script("true"), "", ""},
		"standard error":                          {script("echo " + password + " >&2; echo response"), "response\n", ""},
		"failure":                                 {script("echo " + password + "; echo " + password + " >&2; exit 3"), "", "it ended with status 3"},
		"signal":                                  {script("kill -9 $$"), "", "it ended with status -1"},
		"no program":                              {command{path: "/nowhere/program", timeout: time.Minute}, "", "running it: fork/exec /nowhere/program: no such file or directory"},
		"too large an output":                     {script("exec cat /dev/zero"), "", errOutputTooLarge.Error()},
		"timeout":                                 {command{path: "/bin/sh", args: []string{"-c", "exec sleep 60"}, timeout: 20 * time.Millisecond, waitDelay: time.Minute}, "", errTimedOut.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.command.run(t.Context(), []byte("request"))
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if errorText(err) != test.err {
				t.Errorf("error = %v, want %q", err, test.err)
			}
		})
	}
}

// Each script leaves a child process that holds one end of a pipe. The pipe ends when the child process has ended.
func TestCommandKillsChildProcesses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		script    string
		waitDelay time.Duration
		cancel    bool
		want      error
	}{
		"caller cancels":                    {"sleep 600 >\"$PIPE\" & echo started >\"$PIPE\"; wait", time.Minute, true, errTimedOut},
		"program fails":                     {"{ echo started; exec sleep 600; } >\"$PIPE\" & read line <\"$GO\"; exit 3", time.Minute, false, nil},
		"program ends, its output does not": {"{ echo started >&3; exec sleep 600; } 3>\"$PIPE\" & read line <\"$GO\"", 10 * time.Millisecond, false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			pipe, start := filepath.Join(dir, "pipe"), filepath.Join(dir, "go")
			for _, path := range []string{pipe, start} {
				if err := syscall.Mkfifo(path, 0o600); err != nil {
					t.Fatalf("making a pipe: %v", err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			result := make(chan error, 1)
			go func() {
				c := script(test.script, "PIPE="+pipe, "GO="+start, "PATH="+os.Getenv("PATH"))
				c.waitDelay = test.waitDelay
				_, err := c.run(ctx, nil)
				result <- err
			}()
			output, err := os.Open(pipe)
			if err != nil {
				t.Fatalf("opening the pipe: %v", err)
			}
			defer output.Close()
			if _, err := io.ReadFull(output, make([]byte, len("started\n"))); err != nil {
				t.Fatalf("reading from the pipe: %v", err)
			}
			if test.cancel {
				cancel()
			} else if err := os.WriteFile(start, []byte("\n"), 0o600); err != nil {
				t.Fatalf("writing to the program: %v", err)
			}
			if err := <-result; err == nil || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if rest, err := io.ReadAll(output); err != nil || len(rest) > 0 {
				t.Errorf("read %q, %v from the pipe, want its end", rest, err)
			}
		})
	}
}

func TestBoundedBufferWritesAllOrNothing(t *testing.T) {
	t.Parallel()
	overflows := 0
	b := &boundedBuffer{limit: 4, overflow: func() { overflows++ }}
	for _, text := range []string{"ab", "cd", ""} {
		if n, err := b.Write([]byte(text)); n != len(text) || err != nil {
			t.Errorf("Write(%q) = %d, %v, want all of it", text, n, err)
		}
	}
	if n, err := b.Write([]byte("e")); n != 0 || !errors.Is(err, errOutputTooLarge) || overflows != 1 || !b.full {
		t.Errorf("Write() over the limit = %d, %v, %d overflows, want 0, an error and one overflow", n, err, overflows)
	}
	if !bytes.Equal(b.text.Bytes(), []byte("abcd")) {
		t.Errorf("text = %q, want abcd", b.text.Bytes())
	}
}
