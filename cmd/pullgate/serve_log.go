package main

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// The formats of the log.
const (
	formatJSON = "json"
	formatText = "text"
)

// logOptions are the flags of the log.
type logOptions struct{ level, format string }

func (o *logOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.level, "log-level", levelName(slog.LevelInfo), "least `level` of a line in the log: "+strings.Join(levelNames(), ", "))
	flags.StringVar(&o.format, "log-format", formatJSON, "`format` of the log: "+formatJSON+" or "+formatText)
}

// logging is the log of the process, and its level, which can be changed while the process runs.
type logging struct {
	*slog.Logger
	level *slog.LevelVar
}

// newLogging returns the log that the flags describe.
func newLogging(w io.Writer, o logOptions) (logging, error) {
	level, err := parseLevel(o.level)
	if err != nil {
		return logging{}, fmt.Errorf("--log-level: %w", err)
	}
	l := logging{level: &slog.LevelVar{}}
	l.level.Set(level)
	options := &slog.HandlerOptions{Level: l.level, ReplaceAttr: readable}
	switch o.format {
	case formatJSON:
		l.Logger = slog.New(slog.NewJSONHandler(w, options))
	case formatText:
		l.Logger = slog.New(slog.NewTextHandler(w, options))
	default:
		return logging{}, fmt.Errorf("--log-format: %q is not one of %s, %s", o.format, formatJSON, formatText)
	}
	return l, nil
}

// install makes l the log of all libraries in the process.
func (l logging) install() {
	slog.SetDefault(l.Logger)
	slog.SetLogLoggerLevel(slog.LevelWarn) // of package log, which servers of libraries use for errors
	klog.SetSlogLogger(l.Logger)
	ctrl.SetLogger(logr.FromSlogHandler(l.Handler()))
}

// readable writes a duration with its unit, which the JSON format would omit, and the level as one of the four. Libraries have levels
// between them.
func readable(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		return slog.String(a.Key, a.Value.Duration().String())
	}
	if level, ok := a.Value.Any().(slog.Level); ok && a.Key == slog.LevelKey {
		return slog.String(a.Key, strings.ToUpper(levelName(level)))
	}
	return a
}

// levels returns the levels of the log, from the least to the greatest.
func levels() []slog.Level {
	return []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
}

// levelName returns the name of the greatest level that is not above l.
func levelName(l slog.Level) string {
	name := slog.LevelDebug
	for _, level := range levels() {
		if level <= l {
			name = level
		}
	}
	return strings.ToLower(name.String())
}

func levelNames() []string {
	var names []string
	for _, l := range levels() {
		names = append(names, levelName(l))
	}
	return names
}

// parseLevel returns the level with a name.
func parseLevel(name string) (slog.Level, error) {
	for _, l := range levels() {
		if levelName(l) == name {
			return l, nil
		}
	}
	return 0, fmt.Errorf("%q is not one of %s", name, strings.Join(levelNames(), ", "))
}

// maxHandshakeErrors bounds the TLS handshake errors in the log per minute. Any client can cause them, for example by a port scan or
// a probe over plain TCP.
const maxHandshakeErrors = 10

// serverErrors writes the errors of an http.Server to the log.
type serverErrors struct {
	log *slog.Logger

	mu sync.Mutex
	// logged and omitted count the handshake errors of the current minute.
	logged, omitted int
}

// newErrorLog returns a logger for http.Server.ErrorLog. Each minute it logs maxHandshakeErrors handshake errors, and then the number
// of the others.
func newErrorLog(l *slog.Logger) *log.Logger { return log.New(&serverErrors{log: l}, "", 0) }

// Write implements io.Writer for one message.
func (e *serverErrors) Write(message []byte) (int, error) {
	text := strings.TrimSpace(string(message))
	if !strings.HasPrefix(text, "http: TLS handshake error") || e.allow() {
		e.log.Warn("HTTP server error", "error", text)
	}
	return len(message), nil
}

// allow counts a handshake error, and reports whether to log it. The first one begins the minute.
func (e *serverErrors) allow() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.logged == 0 {
		time.AfterFunc(time.Minute, e.endMinute)
	}
	if e.logged == maxHandshakeErrors {
		e.omitted++
		return false
	}
	e.logged++
	return true
}

func (e *serverErrors) endMinute() {
	e.mu.Lock()
	omitted := e.omitted
	e.logged, e.omitted = 0, 0
	e.mu.Unlock()
	if omitted > 0 {
		e.log.Warn("TLS handshake errors were not logged", "omitted", omitted, "within", time.Minute)
	}
}
