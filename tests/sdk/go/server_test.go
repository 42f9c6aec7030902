package sdk

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// server is the shipped binary as a child process, on a free port and with a store of its own. Started again it takes the same port
// and the same store.
type server struct {
	dir  string
	env  []string
	port int

	process *exec.Cmd
	exited  chan error
}

var listening = regexp.MustCompile(`Listening on http://127\.0\.0\.1:(\d+)`)

// binary is DURAHUB_BIN, from the root of the repository if it is a relative path, or what `cargo build` makes.
func binary() string {
	given := os.Getenv("DURAHUB_BIN")
	if filepath.IsAbs(given) {
		return given
	}
	if given == "" {
		given = filepath.Join("target", "debug", "durahub")
	}
	return filepath.Join(repository(), given)
}

func repository() string {
	path, err := filepath.Abs(filepath.Join("..", "..", ".."))
	if err != nil {
		panic(err)
	}
	return path
}

// newServer starts a server of the test's own, with more environment variables if it needs some.
func newServer(t *testing.T, env ...string) *server {
	t.Helper()
	s := &server{dir: t.TempDir(), env: env}
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.stop()
		s.showLog(t)
	})
	return s
}

// start returns when the server answers /readyz. While nobody listened, its port may have gone to a connection of somebody else's;
// then it tries again.
func (s *server) start() error {
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := s.startOnce()
		if err == nil || !strings.Contains(err.Error(), "Address already in use") || time.Now().After(deadline) {
			return err
		}
	}
}

func (s *server) startOnce() error {
	output, err := os.OpenFile(s.path("stdout"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer output.Close()
	log, err := os.OpenFile(s.path("stderr"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	before, err := output.Seek(0, 2)
	if err != nil {
		return err
	}

	process := exec.Command(binary(), "serve", "--no-samples",
		"--listen", fmt.Sprintf("127.0.0.1:%d", s.port), "--store", "sqlite:"+s.path("durahub.db"))
	process.Dir, process.Stdout, process.Stderr = s.dir, output, log
	// A search that a stalling machine holds up must not end its page early.
	process.Env = append(append(os.Environ(), "DURAHUB__STORE__READ_BUDGET_MS=60000"), s.env...)
	if err := process.Start(); err != nil {
		return fmt.Errorf("%w: run `cargo build`, or set DURAHUB_BIN", err)
	}
	exited := make(chan error, 1)
	go func() { exited <- process.Wait() }()
	s.process, s.exited = process, exited

	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if s.ready(before) {
			return nil
		}
		if !s.alive() {
			return fmt.Errorf("the server ended at once:\n%s", s.logTail())
		}
		if time.Now().After(deadline) {
			_ = s.kill()
			return fmt.Errorf("the server is not ready after 20 s:\n%s", s.logTail())
		}
	}
}

// ready learns the port from what the server printed after the first `skip` bytes.
func (s *server) ready(skip int64) bool {
	text, err := os.ReadFile(s.path("stdout"))
	if err != nil || int64(len(text)) < skip {
		return false
	}
	found := listening.FindSubmatch(text[skip:])
	if found == nil {
		return false
	}
	s.port, _ = strconv.Atoi(string(found[1]))
	answer, err := http.Get(s.url("/readyz"))
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }
func (s *server) address() string         { return fmt.Sprintf("127.0.0.1:%d", s.port) }
func (s *server) url(path string) string  { return "http://" + s.address() + path }

// kill is kill -9.
func (s *server) kill() error { return s.signal(syscall.SIGKILL) }

func (s *server) terminate() error { return s.signal(syscall.SIGTERM) }

// signal returns when the process is gone.
func (s *server) signal(signal syscall.Signal) error {
	if err := s.process.Process.Signal(signal); err != nil {
		return err
	}
	select {
	case err := <-s.exited:
		s.exited <- err
		if signal == syscall.SIGTERM && err != nil {
			return fmt.Errorf("SIGTERM should end the server with 0: %w", err)
		}
		return nil
	case <-time.After(25 * time.Second):
		return fmt.Errorf("the server is still there 25 s after signal %d", signal)
	}
}

func (s *server) alive() bool {
	select {
	case err := <-s.exited:
		s.exited <- err
		return false
	default:
		return true
	}
}

func (s *server) stop() {
	if s.alive() && s.terminate() != nil && s.alive() {
		_ = s.kill()
	}
}

func (s *server) logTail() string {
	text, _ := os.ReadFile(s.path("stderr"))
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-40):], "\n")
}

func (s *server) showLog(t *testing.T) {
	if t.Failed() {
		t.Logf("the server's log (end):\n%s", s.logTail())
	}
}
