package sdk

import (
	"fmt"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// countsDown has an activity and a child in every generation.
var countsDown = orchestrator("countsDown", func(ctx *task.OrchestrationContext) (any, error) {
	var state struct{ Left, Sum int }
	if err := ctx.GetInput(&state); err != nil || state.Left == 0 {
		return state.Sum, err
	}
	var doubled, levels int
	if err := ctx.CallActivity(double, task.WithActivityInput(state.Left)).Await(&doubled); err != nil {
		return nil, err
	}
	if err := ctx.CallSubOrchestrator(nests, task.WithSubOrchestratorInput(1)).Await(&levels); err != nil {
		return nil, err
	}
	state.Left--
	state.Sum += doubled + levels
	ctx.SetCustomStatus(fmt.Sprintf(`"%d left"`, state.Left))
	ctx.ContinueAsNew(state)
	return nil, nil
})

const senders, eventsEach = 50, 20

// note is one event of many; ledger is what has been seen of each sender.
type note struct{ Sender, Number int }
type ledger struct {
	Seen        [senders]int
	Count, Keep int
}

// keepsCount reads a few events, then continues as new with those that it has not read. It fails unless the events of each
// sender come in order, none lost and none doubled.
var keepsCount = orchestrator("keepsCount", func(ctx *task.OrchestrationContext) (any, error) {
	var state ledger
	if err := ctx.GetInput(&state); err != nil {
		return nil, err
	}
	for range 7 {
		if state.Count == senders*eventsEach {
			return state.Count, nil
		}
		var next note
		if err := ctx.WaitForSingleEvent("note", -1).Await(&next); err != nil {
			return nil, err
		}
		if expected := state.Seen[next.Sender]; next.Number != expected {
			return nil, fmt.Errorf("sender %d: got its event %d, expected %d", next.Sender, next.Number, expected)
		}
		state.Seen[next.Sender]++
		state.Count++
	}
	ctx.ContinueAsNew(state, task.WithKeepUnprocessedEvents())
	return nil, nil
})

// forgets continues as new without the events that it has not read.
var forgets = orchestrator("forgets", func(ctx *task.OrchestrationContext) (any, error) {
	var generation int
	var value string
	if err := ctx.GetInput(&generation); err != nil {
		return nil, err
	}
	if err := ctx.WaitForSingleEvent("next", -1).Await(&value); err != nil {
		return nil, err
	}
	if generation == 0 {
		ctx.ContinueAsNew(1)
		return nil, nil
	}
	return value, nil
})

func TestManyGenerations(t *testing.T) {
	hub := sharedHub(t)
	begin := struct{ Left, Sum int }{20, 0}
	id := hub.schedule(countsDown, api.WithInput(begin))
	hub.completed(id, "440")
	if state := hub.state(id); state.SerializedInput != `{"Left":0,"Sum":440}` {
		t.Errorf("the last generation's input is %s", state.SerializedInput)
	}
}

func TestAThousandEventsOfFiftySendersSurviveContinueAsNew(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(keepsCount, api.WithInput(ledger{}))
	each(senders, func(sender int) {
		for number := range eventsEach {
			if err := hub.RaiseEvent(hub.ctx, id, "note", api.WithEventPayload(note{sender, number})); err != nil {
				t.Error(err)
			}
		}
	})
	hub.completed(id, fmt.Sprint(senders*eventsEach))
}

func TestEventsThatAreNotKeptAreGone(t *testing.T) {
	hub := ownHub(t)
	id := hub.schedule(forgets, api.WithInput(0))
	hub.raise(id, "next", "read by the first generation")
	hub.raise(id, "next", "read by nobody")
	startWorker(t, hub.server, functions)
	eventually(t, "the second generation", func() bool { return hub.state(id).SerializedInput == "1" })
	hub.raise(id, "next", "read by the second")
	hub.completed(id, `"read by the second"`)
}
