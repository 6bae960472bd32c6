// Command registry is the registry of the end-to-end tests. It runs as a pod, and the tests control it on an admin port. Without
// arguments it only waits for SIGTERM, so that the images in the registry run the same program. With -probe it is a client, which
// shows where the names of a pod lead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/pullgate/pullgate/test/registry"
	"github.com/pullgate/pullgate/webhook/imagepull"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(1)
	}
}

// run runs the registry until the context ends, or the probe.
func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	if len(args) == 0 {
		<-ctx.Done()
		return nil
	}
	flags := flag.NewFlagSet("registry", flag.ContinueOnError)
	flags.SetOutput(errOut)
	addr := flags.String("addr", "", "address of the registry")
	admin := flags.String("admin", "", "address of the admin port")
	password := flags.String("password", "", "password of the account \"reader\", for repositories outside shop")
	target := flags.String("probe", "", "print resolv.conf, send a request to this `URL`, and exit")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *target != "" {
		return probe(ctx, *target, "/etc/resolv.conf", out)
	}
	program, err := ownProgram()
	if err != nil {
		return err
	}
	server, err := registry.Start(registry.Config{
		Addr: *addr, PlainHTTP: true, Auth: registry.AuthBearer, Public: []string{"shop/*"},
		Accounts: []registry.Account{{Username: "reader", Password: *password, Repositories: []string{"*"}}},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	return serve(ctx, *admin, handler(server, program))
}

// probe prints the configuration of the resolver and the response's status. Without a response it fails.
func probe(ctx context.Context, url, resolvConf string, out io.Writer) error {
	text, err := os.ReadFile(resolvConf)
	if err != nil {
		return fmt.Errorf("reading the configuration of the resolver: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("making a request: %w", err)
	}
	fmt.Fprintf(out, "%s\n", text)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("sending a request: %w", err)
	}
	fmt.Fprintf(out, "%s: %s\n", url, resp.Status)
	return resp.Body.Close()
}

// ownProgram returns the executable of this process.
func ownProgram() ([]byte, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding this program: %w", err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading this program: %w", err)
	}
	return program, nil
}

// handler returns the handler of the admin port, which stops and starts the registry and pushes images.
func handler(server *registry.Server, program []byte) http.Handler {
	native := imagepull.Platform{OS: "linux", Architecture: runtime.GOARCH}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /requests", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, server.RequestSummary()) })
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { server.Stop() })
	mux.HandleFunc("POST /start", func(w http.ResponseWriter, _ *http.Request) { respond(w, server.Restart()) })
	mux.HandleFunc("POST /images/{image...}", func(w http.ResponseWriter, r *http.Request) {
		image := r.PathValue("image")
		_, err := server.PushImage(image, registry.WithProgram(program), registry.WithPlatform(native))
		respond(w, err)
	})
	return mux
}

// respond writes the error, if any.
func respond(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func serve(ctx context.Context, addr string, handler http.Handler) error {
	server := &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the admin port: %w", err)
	}
	return nil
}
