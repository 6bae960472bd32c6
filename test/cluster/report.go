package cluster

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The supervisor and init report their progress to the caller of Up as lines. The last line is "ready" or an error.
// The further lines of an error follow it until the end.
const (
	readyLine   = "ready"
	errorPrefix = "error: "
)

// runStep runs one step and reports its duration.
func runStep(report io.Writer, name string, do func() error) error {
	start := time.Now()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	// A write error means that the caller has exited, which the supervisor notices by itself.
	_, _ = fmt.Fprintf(report, "%6.1f s  %s\n", time.Since(start).Seconds(), name)
	return nil
}

// follow copies the progress lines until "ready" or an error. An end without either is an error too.
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
	return errors.New("the cluster ended without an error message")
}

func remaining(first string, scanner *bufio.Scanner) error {
	lines := []string{first}
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	return errors.New(strings.Join(lines, "\n"))
}
