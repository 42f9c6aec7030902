package sdk

import (
	"fmt"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// This SDK returns no completion tokens: its answers name the instance, and the task of an activity. These tests are about
// answers that come late, when the instance has something else out.

// late orchestrators stop at the door "<id>/<n>" in the n-th run of their code, if the test has shut it.
var lateDoors doors
var lateRuns tally

func passLate(key string) {
	if key = fmt.Sprintf("%s/%d", key, lateRuns.add(key)); lateDoors.held(key) {
		lateDoors.pass(key)
	}
}

func shut(id api.InstanceID, runs ...int) {
	for _, run := range runs {
		lateDoors.door(fmt.Sprintf("%s/%d", id, run))
	}
}

func (h *hub) openLate(id api.InstanceID, run int) {
	h.t.Helper()
	key := fmt.Sprintf("%s/%d", id, run)
	lateDoors.waitUntilEntered(h.t, key, 1)
	lateDoors.open(key)
}

// openBoth lets the first run answer late: if the server hands the second one out meanwhile, then after that. (It may also wait for the
// first answer.) The first answer must not end what the second run is about.
func (h *hub) openBoth(id api.InstanceID) {
	h.t.Helper()
	second := fmt.Sprintf("%s/2", id)
	for deadline := time.Now().Add(500 * time.Millisecond); lateDoors.entered.of(second) == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	h.openLate(id, 1)
	holdsFor(h.t, 300*time.Millisecond, "the second run", func() bool { return !h.state(id).IsComplete() })
	h.openLate(id, 2)
}

var lateTurn = orchestrator("lateTurn", func(ctx *task.OrchestrationContext) (any, error) {
	passLate(string(ctx.ID))
	var value string
	err := ctx.WaitForSingleEvent("go", -1).Await(&value)
	return value, err
})

var lateEcho = orchestrator("lateEcho", func(ctx *task.OrchestrationContext) (any, error) {
	passLate(string(ctx.ID))
	var value string
	err := ctx.GetInput(&value)
	return value, err
})

// lateActivity waits in every run and returns its input.
var lateActivity = activity("lateActivity", func(ctx task.ActivityContext) (any, error) {
	var input [2]string
	err := ctx.GetInput(&input)
	passLate(input[0])
	return input[1], err
})

var awaitsLateActivity = orchestrator("awaitsLateActivity", func(ctx *task.OrchestrationContext) (any, error) {
	var input, value string
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	err := ctx.CallActivity(lateActivity, task.WithActivityInput([2]string{string(ctx.ID), input})).Await(&value)
	return value, err
})

// abandonsActivity leaves the first generation's activity behind; the second one's has the same task id.
var abandonsActivity = orchestrator("abandonsActivity", func(ctx *task.OrchestrationContext) (any, error) {
	var input, value string
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	open := ctx.CallActivity(lateActivity, task.WithActivityInput([2]string{string(ctx.ID), input}))
	if input == "old" {
		if err := ctx.WaitForSingleEvent("leave", -1).Await(nil); err != nil {
			return nil, err
		}
		ctx.ContinueAsNew("new")
		return nil, nil
	}
	err := open.Await(&value)
	return value, err
})

// A suspension takes the turn back from the worker, whose answer knows nothing of what the next turn brings.
func TestALateAnswerDoesNotSwallowAnEvent(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	shut(id, 1, 2)
	hub.schedule(lateTurn, api.WithInstanceID(id))
	lateDoors.waitUntilEntered(t, string(id)+"/1", 1)
	hub.suspend(id)
	hub.raise(id, "go", "arrived")
	hub.resume(id)
	hub.openBoth(id)
	hub.completed(id, `"arrived"`)
}

func TestALateAnswerDoesNotEndTheNextInstanceOfItsID(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	shut(id, 1, 2)
	hub.schedule(lateEcho, api.WithInstanceID(id), api.WithInput("old"))
	lateDoors.waitUntilEntered(t, string(id)+"/1", 1)
	hub.must(hub.TerminateOrchestration(hub.ctx, id))
	hub.end(id)
	hub.schedule(lateEcho, api.WithInstanceID(id), api.WithInput("new"))
	hub.openBoth(id)
	hub.completed(id, `"new"`)
}

// Whose result it is taken for may be a matter of chance, so several instances try.
func severalTimes(t *testing.T, try func(hub *hub)) {
	t.Parallel()
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) { try(sharedHub(t)) })
	}
}

func TestALateResultDoesNotReachTheNextInstanceOfItsID(t *testing.T) {
	severalTimes(t, func(hub *hub) {
		id := hub.id()
		shut(id, 1, 2)
		hub.schedule(awaitsLateActivity, api.WithInstanceID(id), api.WithInput("old"))
		lateDoors.waitUntilEntered(hub.t, string(id)+"/1", 1)
		hub.must(hub.TerminateOrchestration(hub.ctx, id))
		hub.end(id)
		hub.schedule(awaitsLateActivity, api.WithInstanceID(id), api.WithInput("new"))
		hub.openBoth(id)
		hub.completed(id, `"new"`)
	})
}

func TestALateResultDoesNotReachTheNextGeneration(t *testing.T) {
	severalTimes(t, func(hub *hub) {
		id := hub.id()
		shut(id, 1, 2)
		hub.schedule(abandonsActivity, api.WithInstanceID(id), api.WithInput("old"))
		lateDoors.waitUntilEntered(hub.t, string(id)+"/1", 1)
		hub.raise(id, "leave", nil)
		hub.openBoth(id)
		hub.completed(id, `"new"`)
	})
}

// leavesWork has a timer and an activity open when its first generation ends.
var leavesWork = orchestrator("leavesWork", func(ctx *task.OrchestrationContext) (any, error) {
	var generation int
	if err := ctx.GetInput(&generation); err != nil {
		return nil, err
	}
	ctx.CreateTimer(1)
	old := ctx.CallActivity(double, task.WithActivityInput(100+generation))
	if generation < 5 {
		ctx.ContinueAsNew(generation + 1)
		return nil, nil
	}
	var result int
	err := old.Await(&result)
	return result, err
})

// The same without any doors: what happens by itself.
func TestALateResultOfManyGenerations(t *testing.T) {
	severalTimes(t, func(hub *hub) {
		hub.completed(hub.schedule(leavesWork, api.WithInput(0)), "210")
	})
}
