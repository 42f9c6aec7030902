package sdk

import (
	"context"
	"fmt"
	"log"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/client"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// patience is how long a test may take, next to all the others.
const patience = 120 * time.Second

// functions is what every worker serves unless a test makes a registry of its own. The SDK's workers state no filter: they get
// the work of all names, so workers with different names do not go together on one hub.
var functions = task.NewTaskRegistry()

// orchestrator and activity register a function while the package starts, and give its name back for use in tests.
func orchestrator(name string, f task.Orchestrator) string {
	if err := functions.AddOrchestratorN(name, f); err != nil {
		panic(err)
	}
	return name
}

func activity(name string, f task.Activity) string {
	if err := functions.AddActivityN(name, f); err != nil {
		panic(err)
	}
	return name
}

// The server that most tests share, with one worker for all of them.
var shared *server

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "durahub-go-")
	if err != nil {
		log.Fatal(err)
	}
	shared = &server{dir: dir}
	if err := shared.start(); err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := client.NewTaskHubGrpcClient(dial(shared), &notes{}).StartWorkItemListener(ctx, functions); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if !shared.alive() {
		log.Printf("the server died during the tests:\n%s", shared.logTail())
		code = 1
	}
	cancel()
	shared.stop()
	os.RemoveAll(dir)
	os.Exit(code)
}

func dial(s *server, options ...grpc.DialOption) *grpc.ClientConn {
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	connection, err := grpc.Dial(s.address(), options...) // The grpc-go that the SDK asks for has no NewClient yet.
	if err != nil {
		log.Fatal(err)
	}
	return connection
}

// notes keeps what the SDK logs, for the tests that ask.
type notes struct {
	mutex sync.Mutex
	lines []string
}

func (n *notes) add(text string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.lines = append(n.lines, text)
}

func (n *notes) count(part string) (found int) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, line := range n.lines {
		if strings.Contains(line, part) {
			found++
		}
	}
	return found
}

func (n *notes) Debug(v ...any)            { n.add(fmt.Sprint(v...)) }
func (n *notes) Debugf(f string, v ...any) { n.add(fmt.Sprintf(f, v...)) }
func (n *notes) Info(v ...any)             { n.add(fmt.Sprint(v...)) }
func (n *notes) Infof(f string, v ...any)  { n.add(fmt.Sprintf(f, v...)) }
func (n *notes) Warn(v ...any)             { n.add(fmt.Sprint(v...)) }
func (n *notes) Warnf(f string, v ...any)  { n.add(fmt.Sprintf(f, v...)) }
func (n *notes) Error(v ...any)            { n.add(fmt.Sprint(v...)) }
func (n *notes) Errorf(f string, v ...any) { n.add(fmt.Sprintf(f, v...)) }

// worker is a listener of the SDK on a connection of its own.
type worker struct {
	notes
	stop func()
}

func startWorker(t *testing.T, s *server, registry *task.TaskRegistry, options ...grpc.DialOption) *worker {
	t.Helper()
	w := &worker{}
	connection := dial(s, options...)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = func() { cancel(); connection.Close() }
	t.Cleanup(w.stop)
	if err := client.NewTaskHubGrpcClient(connection, &w.notes).StartWorkItemListener(ctx, registry); err != nil {
		t.Fatal(err)
	}
	return w
}
