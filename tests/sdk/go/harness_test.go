package sdk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/client"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// patience is how long a test may take.
const patience = 30 * time.Second

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

func dial(s *server) *grpc.ClientConn {
	//lint:ignore SA1019 this version of grpc-go has no NewClient
	connection, err := grpc.Dial(s.address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
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

func startWorker(t *testing.T, s *server, registry *task.TaskRegistry) *worker {
	t.Helper()
	w := &worker{}
	connection := dial(s)
	ctx, cancel := context.WithCancel(context.Background())
	w.stop = func() { cancel(); connection.Close() }
	t.Cleanup(w.stop)
	if err := client.NewTaskHubGrpcClient(connection, &w.notes).StartWorkItemListener(ctx, registry); err != nil {
		t.Fatal(err)
	}
	return w
}

// hub is a client of the SDK with the checks that most tests make.
type hub struct {
	*client.TaskHubGrpcClient
	t      *testing.T
	ctx    context.Context
	server *server
}

// sharedHub makes the test run next to others.
func sharedHub(t *testing.T) *hub {
	t.Parallel()
	return connect(t, shared)
}

// ownHub starts a server of the test's own, with no worker yet.
func ownHub(t *testing.T, env ...string) *hub {
	t.Parallel()
	return connect(t, newServer(t, env...))
}

func connect(t *testing.T, s *server) *hub {
	connection := dial(s)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(func() { cancel(); connection.Close() })
	return &hub{client.NewTaskHubGrpcClient(connection, &notes{}), t, ctx, s}
}

// id makes a fresh instance id that carries the test's name.
func (h *hub) id(suffix ...string) api.InstanceID {
	random := make([]byte, 5)
	_, _ = rand.Read(random)
	name := regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(h.t.Name(), "-")
	return api.InstanceID(fmt.Sprintf("%.40s-%x%s", name, random, strings.Join(suffix, "-")))
}

func (h *hub) schedule(name string, options ...api.NewOrchestrationOptions) api.InstanceID {
	h.t.Helper()
	options = append([]api.NewOrchestrationOptions{api.WithInstanceID(h.id())}, options...)
	id, err := h.ScheduleNewOrchestration(h.ctx, name, options...)
	if err != nil {
		h.t.Fatalf("start of %s: %v", name, err)
	}
	return id
}

// started returns when the orchestration has had its first turn.
func (h *hub) started(name string, options ...api.NewOrchestrationOptions) api.InstanceID {
	h.t.Helper()
	id := h.schedule(name, options...)
	if _, err := h.WaitForOrchestrationStart(h.ctx, id); err != nil {
		h.t.Fatalf("wait for the start of %s: %v", id, err)
	}
	return id
}

func (h *hub) end(id api.InstanceID) *api.OrchestrationMetadata {
	h.t.Helper()
	state, err := h.WaitForOrchestrationCompletion(h.ctx, id)
	if err != nil {
		h.t.Fatalf("wait for the end of %s: %v", id, err)
	}
	return state
}

func (h *hub) state(id api.InstanceID) *api.OrchestrationMetadata {
	h.t.Helper()
	state, err := h.FetchOrchestrationMetadata(h.ctx, id)
	if err != nil {
		h.t.Fatalf("state of %s: %v", id, err)
	}
	return state
}

// ended checks that the orchestration ends so, with this output (JSON text).
func (h *hub) ended(id api.InstanceID, expected api.OrchestrationStatus, output string) {
	h.t.Helper()
	if state := h.end(id); state.RuntimeStatus != expected || state.SerializedOutput != output {
		h.t.Fatalf("%s ended as %v with %.300s, expected %v with %.300s (failure: %.300s)",
			id, state.RuntimeStatus, state.SerializedOutput, expected, output, h.failure(id))
	}
}

func (h *hub) completed(id api.InstanceID, output string) {
	h.t.Helper()
	h.ended(id, api.RUNTIME_STATUS_COMPLETED, output)
}

// failed checks that the orchestration fails with a message that holds all parts.
func (h *hub) failed(id api.InstanceID, parts ...string) {
	h.t.Helper()
	if state := h.end(id); state.RuntimeStatus != api.RUNTIME_STATUS_FAILED {
		h.t.Fatalf("%s ended as %v with %.300s, expected a failure", id, state.RuntimeStatus, state.SerializedOutput)
	}
	message := h.failure(id)
	for _, part := range parts {
		if !strings.Contains(message, part) {
			h.t.Fatalf("%s failed with %q, expected %q in it", id, message, part)
		}
	}
}

// output reads what the orchestration returned.
func (h *hub) output(id api.InstanceID, into any) {
	h.t.Helper()
	state := h.end(id)
	if state.RuntimeStatus != api.RUNTIME_STATUS_COMPLETED {
		h.t.Fatalf("%s ended as %v: %.300s", id, state.RuntimeStatus, h.failure(id))
	}
	h.must(json.Unmarshal([]byte(state.SerializedOutput), into))
}

// reaches waits until the instance has this status.
func (h *hub) reaches(id api.InstanceID, expected api.OrchestrationStatus) {
	h.t.Helper()
	eventually(h.t, fmt.Sprintf("%s to be %v", id, expected), func() bool { return h.state(id).RuntimeStatus == expected })
}

func (h *hub) raise(id api.InstanceID, name string, payload any) {
	h.t.Helper()
	h.must(h.RaiseEvent(h.ctx, id, name, api.WithEventPayload(payload)))
}

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// refused checks the status code that a call was refused with.
func (h *hub) refused(err error, code codes.Code, parts ...string) {
	h.t.Helper()
	var found interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &found) || found.GRPCStatus().Code() != code {
		h.t.Fatalf("got %v, expected the code %v", err, code)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			h.t.Fatalf("refused with %q, expected %q in it", err, part)
		}
	}
}

// event is one line of the history as the HTTP API shows it.
type event struct{ EventType, Name, FunctionName, Reason, InstanceId string }

// overHTTP reads what the SDK's client leaves out: the failure (as the output of the HTTP API) and the history.
func (h *hub) overHTTP(id api.InstanceID) (output json.RawMessage, history []event) {
	h.t.Helper()
	path := "/runtime/webhooks/durabletask/instances/" + url.PathEscape(string(id)) + "?showHistory=true&returnInternalServerErrorOnFailure=false"
	answer, err := http.Get(h.server.url(path))
	h.must(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	h.must(err)
	var shown struct {
		Output        json.RawMessage
		HistoryEvents []event
	}
	if err := json.Unmarshal(body, &shown); err != nil {
		h.t.Fatalf("%d %s: %v", answer.StatusCode, body, err)
	}
	return shown.Output, shown.HistoryEvents
}

func (h *hub) failure(id api.InstanceID) string {
	h.t.Helper()
	output, _ := h.overHTTP(id)
	return string(output)
}

func (h *hub) countHistory(id api.InstanceID, kind string) (found int) {
	h.t.Helper()
	_, history := h.overHTTP(id)
	for _, event := range history {
		if event.EventType == kind {
			found++
		}
	}
	return found
}
