package sdk

import (
	"fmt"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc/codes"
)

// hasChildren starts two children on each of so many levels; those at the bottom wait for ever.
var hasChildren = orchestrator("hasChildren", func(ctx *task.OrchestrationContext) (any, error) {
	var levels int
	if err := ctx.GetInput(&levels); err != nil {
		return nil, err
	}
	if levels == 0 {
		return nil, ctx.WaitForSingleEvent("go", -1).Await(nil)
	}
	var children []task.Task
	for i := range 2 {
		children = append(children, ctx.CallSubOrchestrator(ctx.Name, task.WithSubOrchestratorInput(levels-1),
			task.WithSubOrchestrationInstanceID(fmt.Sprintf("%s.%d", ctx.ID, i))))
	}
	for _, child := range children {
		if err := child.Await(nil); err != nil {
			return nil, err
		}
	}
	return "all have ended", nil
})

// family is the instance and its descendants, once all of them run.
func (h *hub) family() (ids []api.InstanceID) {
	h.t.Helper()
	root := h.started(hasChildren, api.WithInput(2))
	for _, suffix := range []string{"", ".0", ".1", ".0.0", ".0.1", ".1.0", ".1.1"} {
		id := root + api.InstanceID(suffix)
		eventually(h.t, string(id), func() bool {
			state, err := h.FetchOrchestrationMetadata(h.ctx, id)
			return err == nil && state.RuntimeStatus == api.RUNTIME_STATUS_RUNNING
		})
		ids = append(ids, id)
	}
	return ids
}

func TestTerminate(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	hub.must(hub.TerminateOrchestration(hub.ctx, id, api.WithOutput(map[string]string{"why": "ünder test"})))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `{"why":"ünder test"}`)
	hub.must(hub.TerminateOrchestration(hub.ctx, id, api.WithOutput("again")))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `{"why":"ünder test"}`)
}

func TestTerminateWithoutAnOutput(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	hub.must(hub.TerminateOrchestration(hub.ctx, id))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, "")
}

func TestTerminateIsRecursiveByDefault(t *testing.T) {
	hub := sharedHub(t)
	ids := hub.family()
	hub.must(hub.TerminateOrchestration(hub.ctx, ids[0], api.WithRawOutput(`"all"`)))
	for _, id := range ids {
		hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `"all"`)
	}
}

func TestTerminateOneOnly(t *testing.T) {
	hub := sharedHub(t)
	ids := hub.family()
	hub.must(hub.TerminateOrchestration(hub.ctx, ids[0], api.WithRecursiveTerminate(false)))
	hub.ended(ids[0], api.RUNTIME_STATUS_TERMINATED, "")
	for _, leaf := range ids[3:] {
		hub.reaches(leaf, api.RUNTIME_STATUS_RUNNING)
		hub.raise(leaf, "go", nil)
	}
	for _, id := range ids[1:3] {
		hub.completed(id, `"all have ended"`)
	}
}

func TestTerminateWhileSuspended(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(worksInSteps)
	gate.waitUntilEntered(t, string(id), 1)
	hub.suspend(id)
	hub.must(hub.TerminateOrchestration(hub.ctx, id, api.WithOutput("out")))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `"out"`)
	gate.open(string(id))
	holdsFor(t, 200*time.Millisecond, "the end", func() bool {
		return executions.of(string(id)) == 0 && hub.state(id).RuntimeStatus == api.RUNTIME_STATUS_TERMINATED
	})
}

func TestTerminateBeforeTheFirstTurn(t *testing.T) {
	hub := ownHub(t)
	id := hub.schedule(waitsForGo)
	hub.must(hub.TerminateOrchestration(hub.ctx, id, api.WithOutput("never begun")))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `"never begun"`)
	startWorker(t, hub.server, functions)
	hub.completed(hub.schedule(doublesInTurn, api.WithInput(1)), "2")
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `"never begun"`)
}

func TestTerminateNobody(t *testing.T) {
	hub := sharedHub(t)
	hub.refused(hub.TerminateOrchestration(hub.ctx, hub.id()), codes.NotFound)
}
