package sdk

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// python starts a script from testdata and returns when it has printed a line. It ends by `stop`, or with the test.
func python(t *testing.T, script string, arguments ...string) (stop func()) {
	t.Helper()
	interpreter := os.Getenv("DURAHUB_PYTHON")
	if interpreter == "" {
		interpreter = filepath.Join(repository(), ".venv", "bin", "python")
	}
	ctx, cancel := context.WithCancel(context.Background())
	process := exec.CommandContext(ctx, interpreter, append([]string{filepath.Join("testdata", script)}, arguments...)...)
	var errors bytes.Buffer
	process.Stderr = &errors
	output, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		cancel()
		t.Fatalf("no Python with the SDK (%v): set DURAHUB_PYTHON, or make .venv as tests/sdk/python/README.md says", err)
	}
	stop = sync.OnceFunc(func() { cancel(); _ = process.Wait() })
	t.Cleanup(stop)
	if _, err := output.Read(make([]byte, 64)); err != nil {
		stop()
		t.Fatalf("%s printed nothing: %v\n%s", script, err, errors.String())
	}
	return stop
}
