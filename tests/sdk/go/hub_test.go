package sdk

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

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

// countWorkers tells how many workers are connected.
func (h *hub) countWorkers() int {
	h.t.Helper()
	answer, err := http.Get(h.server.url("/api/v1/workers"))
	h.must(err)
	defer answer.Body.Close()
	var workers []json.RawMessage
	h.must(json.NewDecoder(answer.Body).Decode(&workers))
	return len(workers)
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
