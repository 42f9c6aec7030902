package sdk

import (
	"fmt"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc/codes"
)

var gate doors

// gated waits at the door that its input names.
var gated = activity("gated", func(ctx task.ActivityContext) (any, error) {
	var key string
	if err := ctx.GetInput(&key); err != nil {
		return nil, err
	}
	gate.pass(key)
	return key, nil
})

// worksInSteps needs a gated activity, a timer, an event and a second activity, which only counts.
var worksInSteps = orchestrator("worksInSteps", func(ctx *task.OrchestrationContext) (any, error) {
	key := string(ctx.ID)
	event := ctx.WaitForSingleEvent("go", -1)
	timer := ctx.CreateTimer(50 * time.Millisecond)
	var passed, said, last string
	if err := ctx.CallActivity(gated, task.WithActivityInput(key)).Await(&passed); err != nil {
		return nil, err
	}
	if err := timer.Await(nil); err != nil {
		return nil, err
	}
	if err := event.Await(&said); err != nil {
		return nil, err
	}
	err := ctx.CallActivity(counts, task.WithActivityInput(key)).Await(&last)
	return []string{passed, said, last}, err
})

var executions tally

var counts = activity("counts", func(ctx task.ActivityContext) (any, error) {
	var key string
	if err := ctx.GetInput(&key); err != nil {
		return nil, err
	}
	return fmt.Sprint(executions.add(key)), nil
})

func (h *hub) suspend(id api.InstanceID) {
	h.t.Helper()
	h.must(h.SuspendOrchestration(h.ctx, id, "a break"))
	h.reaches(id, api.RUNTIME_STATUS_SUSPENDED)
}

func (h *hub) resume(id api.InstanceID) {
	h.t.Helper()
	h.must(h.ResumeOrchestration(h.ctx, id, "go on"))
}

func TestWhatArrivesWhileSuspendedWaits(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(worksInSteps)
	key := string(id)
	gate.waitUntilEntered(t, key, 1)
	hub.suspend(id)
	gate.open(key)
	hub.raise(id, "go", "said")
	holdsFor(t, 300*time.Millisecond, "SUSPENDED", func() bool {
		return hub.state(id).RuntimeStatus == api.RUNTIME_STATUS_SUSPENDED && executions.of(key) == 0
	})
	hub.resume(id)
	hub.completed(id, fmt.Sprintf(`["%s","said","1"]`, key))
	if passed := gate.entered.of(key); passed != 1 || executions.of(key) != 1 {
		t.Errorf("the activities ran %d and %d times, expected once each", passed, executions.of(key))
	}
}

func TestSuspendBeforeTheFirstTurn(t *testing.T) {
	hub := ownHub(t)
	id := hub.schedule(doublesInTurn, api.WithInput(3))
	hub.must(hub.SuspendOrchestration(hub.ctx, id, ""))
	startWorker(t, hub.server, functions)
	hub.reaches(id, api.RUNTIME_STATUS_SUSPENDED)
	if state, err := hub.WaitForOrchestrationStart(hub.ctx, id); err != nil || state.RuntimeStatus != api.RUNTIME_STATUS_SUSPENDED {
		t.Errorf("the wait for the start returned %+v, %v", state, err)
	}
	hub.resume(id)
	hub.completed(id, "8")
}

func TestSuspendAndResumeTwice(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	hub.resume(id)
	for range 2 {
		hub.suspend(id)
		hub.suspend(id)
		hub.resume(id)
		hub.reaches(id, api.RUNTIME_STATUS_RUNNING)
	}
	hub.raise(id, "go", true)
	hub.completed(id, "true")
	hub.must(hub.SuspendOrchestration(hub.ctx, id, "after the end"))
	hub.must(hub.ResumeOrchestration(hub.ctx, id, "after the end"))
	hub.completed(id, "true")
	hub.refused(hub.SuspendOrchestration(hub.ctx, hub.id(), ""), codes.NotFound)
	hub.refused(hub.ResumeOrchestration(hub.ctx, hub.id(), ""), codes.NotFound)
}

// The controls come between any two turns, at random.
func TestSuspendAndResumeUnderLoad(t *testing.T) {
	hub := sharedHub(t)
	ids := make([]api.InstanceID, 20)
	for i := range ids {
		ids[i] = hub.schedule(doublesInTurn, api.WithInput(30))
		hub.schedule(doublesAtOnce, api.WithInput(50))
	}
	each(len(ids), func(i int) {
		for round := range 5 {
			if err := hub.SuspendOrchestration(hub.ctx, ids[i], fmt.Sprint(round)); err != nil {
				t.Error(err)
			}
			if err := hub.ResumeOrchestration(hub.ctx, ids[i], fmt.Sprint(round)); err != nil {
				t.Error(err)
			}
		}
	})
	for _, id := range ids {
		hub.completed(id, fmt.Sprint(1<<30))
		if found := hub.countHistory(id, "TaskCompleted"); found != 30 {
			t.Errorf("%s: %d activities in the history, expected 30", id, found)
		}
	}
}
