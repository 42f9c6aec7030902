package sdk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// nests calls itself so many levels down; each level adds one.
var nests = orchestrator("nests", func(ctx *task.OrchestrationContext) (any, error) {
	var levels, below int
	if err := ctx.GetInput(&levels); err != nil || levels == 0 {
		return 0, err
	}
	err := ctx.CallSubOrchestrator(ctx.Name, task.WithSubOrchestratorInput(levels-1)).Await(&below)
	return below + 1, err
})

var saysItsID = orchestrator("saysItsID", func(ctx *task.OrchestrationContext) (any, error) { return ctx.ID, nil })

// collectsIDs starts children without stating an id and returns the ids that the server gave them.
var collectsIDs = orchestrator("collectsIDs", func(ctx *task.OrchestrationContext) (any, error) {
	tasks, ids := make([]task.Task, 20), make([]string, 20)
	for i := range tasks {
		tasks[i] = ctx.CallSubOrchestrator(saysItsID)
	}
	for i := range tasks {
		if err := tasks[i].Await(&ids[i]); err != nil {
			return nil, err
		}
	}
	return ids, nil
})

var failsAtOnce = orchestrator("failsAtOnce", func(*task.OrchestrationContext) (any, error) {
	return nil, errors.New("the child's reason")
})

var waitsForGo = orchestrator("waitsForGo", func(ctx *task.OrchestrationContext) (any, error) {
	var value any
	err := ctx.WaitForSingleEvent("go", -1).Await(&value)
	return value, err
})

// oneChild is the input of hasOneChild.
type oneChild struct{ Name, ID string }

var hasOneChild = orchestrator("hasOneChild", func(ctx *task.OrchestrationContext) (any, error) {
	var child oneChild
	if err := ctx.GetInput(&child); err != nil {
		return nil, err
	}
	var value any
	err := ctx.CallSubOrchestrator(child.Name, task.WithSubOrchestrationInstanceID(child.ID)).Await(&value)
	return value, err
})

func TestChildrenFiveLevelsDown(t *testing.T) {
	hub := sharedHub(t)
	hub.completed(hub.schedule(nests, api.WithInput(5)), "5")
}

func TestChildrenWithoutAnIDGetOne(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(collectsIDs)
	var ids []string
	hub.output(id, &ids)
	seen := map[string]bool{string(id): true, "": true}
	for _, child := range ids {
		if seen[child] {
			t.Errorf("the id %q is there twice, or empty", child)
		}
		seen[child] = true
		if state := hub.state(api.InstanceID(child)); state.Name != saysItsID || !state.IsComplete() {
			t.Errorf("%s is %s, %v", child, state.Name, state.RuntimeStatus)
		}
	}
	if len(ids) != 20 {
		t.Errorf("%d children, expected 20", len(ids))
	}
}

func TestAChildFails(t *testing.T) {
	hub := sharedHub(t)
	child := hub.id("child")
	id := hub.schedule(hasOneChild, api.WithInput(oneChild{failsAtOnce, string(child)}))
	hub.failed(id, "the child's reason")
	hub.failed(child, "the child's reason")
}

func TestAChildThatNobodyRegisteredFails(t *testing.T) {
	hub := sharedHub(t)
	hub.failed(hub.schedule(hasOneChild, api.WithInput(oneChild{Name: "noSuchChild"})), "noSuchChild")
}

func TestAChildIsTerminated(t *testing.T) {
	hub := sharedHub(t)
	child := hub.id("child")
	id := hub.schedule(hasOneChild, api.WithInput(oneChild{waitsForGo, string(child)}))
	eventually(t, "the child", func() bool { _, err := hub.FetchOrchestrationMetadata(hub.ctx, child); return err == nil })
	hub.must(hub.TerminateOrchestration(hub.ctx, child, api.WithOutput("enough")))
	hub.ended(child, api.RUNTIME_STATUS_TERMINATED, `"enough"`)
	hub.failed(id, "terminated")
}

func TestAChildIsReachedByItsID(t *testing.T) {
	hub := sharedHub(t)
	child := hub.id("child")
	id := hub.schedule(hasOneChild, api.WithInput(oneChild{waitsForGo, string(child)}))
	eventually(t, "the child", func() bool { _, err := hub.FetchOrchestrationMetadata(hub.ctx, child); return err == nil })
	hub.raise(child, "go", "by its id")
	hub.completed(id, `"by its id"`)
}

func TestAChildIDThatLivesIsRefused(t *testing.T) {
	hub := sharedHub(t)
	taken := hub.started(waitsForGo)
	id := hub.schedule(hasOneChild, api.WithInput(oneChild{waitsForGo, string(taken)}))
	hub.failed(id, string(taken))
	hub.raise(taken, "go", 7)
	hub.completed(taken, "7")
}

func TestAChildIDThatHasEndedIsUsedAgain(t *testing.T) {
	hub := sharedHub(t)
	old := hub.schedule(doublesInTurn, api.WithInput(1))
	hub.completed(old, "2")
	id := hub.schedule(hasOneChild, api.WithInput(oneChild{saysItsID, string(old)}))
	hub.completed(id, fmt.Sprintf("%q", old))
	hub.completed(old, fmt.Sprintf("%q", old))
}
