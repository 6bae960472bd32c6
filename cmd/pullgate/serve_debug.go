package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"

	"github.com/spf13/pflag"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/manager"
)

// logLevelPath is the URL path of the log's level, beside the profiles as in Kubernetes' components (/debug/flags/v).
const logLevelPath = "/debug/log-level"

// debugOptions are the flags of the server for debugging.
type debugOptions struct {
	address   string
	profiling bool
}

func (o *debugOptions) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.address, "debug-bind-address", "0",
		"loopback `address` of "+logLevelPath+", such as 127.0.0.1:6060; 0 turns it off")
	flags.BoolVar(&o.profiling, "profiling", false, "also serve Go profiles at /debug/pprof/ of the debug address")
}

// addDebugServer adds the server for debugging, if it is on.
func addDebugServer(ctx context.Context, mgr ctrl.Manager, o debugOptions, log logging) error {
	switch {
	case o.address == "0" && o.profiling:
		return errors.New("--profiling requires --debug-bind-address")
	case o.address == "0":
		return nil
	case !isLoopback(o.address):
		return fmt.Errorf("--debug-bind-address: %q is not a loopback address such as 127.0.0.1:6060: "+
			"the server has no authentication; reach it with kubectl port-forward", o.address)
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", o.address)
	if err != nil {
		return fmt.Errorf("--debug-bind-address: %w", err)
	}
	return mgr.Add(&manager.Server{Name: "debug", Server: newServer(newDebugHandler(o, log), nil, log.Logger), Listener: listener})
}

// isLoopback reports whether an address is an IP address of the loopback interface, with a port. A name may resolve to another
// address.
func isLoopback(address string) bool {
	parsed, err := netip.ParseAddrPort(address)
	return err == nil && parsed.Addr().IsLoopback()
}

func newDebugHandler(o debugOptions, log logging) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+logLevelPath, log.getLevel)
	mux.HandleFunc("PUT "+logLevelPath, log.putLevel)
	if o.profiling {
		mux.HandleFunc("/debug/pprof/", pprof.Index)
		mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	}
	return mux
}

// getLevel writes the level of the log.
func (l logging) getLevel(w http.ResponseWriter, _ *http.Request) {
	_, _ = fmt.Fprintln(w, levelName(l.level.Level()))
}

// putLevel sets the level of the log to the one in the body.
func (l logging) putLevel(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64))
	level := slog.LevelInfo
	if err == nil {
		level, err = parseLevel(strings.TrimSpace(string(body)))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	former := l.level.Level()
	l.level.Set(min(former, level)) // so that the line is logged
	l.WarnContext(r.Context(), "the level of the log is changed", "from", levelName(former), "to", levelName(level))
	l.level.Set(level)
	l.getLevel(w, r)
}
