package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The warden and the keeper tell the caller of Up by lines how far they are. The last one is ready, or an error, whose
// own lines follow up to the end.
const (
	readyLine   = "ready"
	errorPrefix = "error: "
)

// take does one step and reports how long it took.
func take(report io.Writer, name string, do func() error) error {
	begin := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// A caller who has gone is noticed elsewhere.
	_, _ = fmt.Fprintf(report, "%6.1f s  %s\n", time.Since(begin).Seconds(), name)
	return nil
}

// follow passes the steps on until there is one of the last lines. An end without one is an error as well.
func follow(report io.Reader, progress io.Writer) error {
	scanner := bufio.NewScanner(report)
	for scanner.Scan() {
		line := scanner.Text()
		if line == readyLine {
			return nil
		}
		if first, ok := strings.CutPrefix(line, errorPrefix); ok {
			return remaining(first, scanner)
		}
		_, _ = fmt.Fprintln(progress, line)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("reading the report: %w", err)
	}
	return errors.New("the cluster ended without a word")
}

func remaining(first string, scanner *bufio.Scanner) error {
	lines := []string{first}
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return errors.New(strings.Join(lines, "\n"))
}
