package sdk

import (
	"fmt"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc/codes"
)

// gathers waits for so many events of one name, one after the other, and returns their payloads.
var gathers = orchestrator("gathers", func(ctx *task.OrchestrationContext) (any, error) {
	var count int
	if err := ctx.GetInput(&count); err != nil {
		return nil, err
	}
	values := make([]any, count)
	for i := range values {
		if err := ctx.WaitForSingleEvent("item", -1).Await(&values[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
})

// gathersThree waits for three names at once and takes them in its own order.
var gathersThree = orchestrator("gathersThree", func(ctx *task.OrchestrationContext) (any, error) {
	values := make([]string, 3)
	var waits []task.Task
	for i := range values {
		waits = append(waits, ctx.WaitForSingleEvent(fmt.Sprint("name ", i), -1))
	}
	for i := range values {
		if err := waits[i].Await(&values[i]); err != nil {
			return nil, err
		}
	}
	return values, nil
})

// looksOnce takes an event only if it is there already, after the activity.
var looksOnce = orchestrator("looksOnce", func(ctx *task.OrchestrationContext) (any, error) {
	var value string
	if err := ctx.CallActivity(double, task.WithActivityInput(1)).Await(nil); err != nil {
		return nil, err
	}
	if err := ctx.WaitForSingleEvent("early", 0).Await(&value); err != nil {
		return err.Error(), nil
	}
	return value, nil
})

func TestEventsBeforeTheFirstTurn(t *testing.T) {
	hub := ownHub(t)
	id := hub.schedule(gathers, api.WithInput(3))
	for i := range 3 {
		hub.raise(id, "item", i)
	}
	if status := hub.state(id).RuntimeStatus; status != api.RUNTIME_STATUS_PENDING {
		t.Errorf("%v without a worker", status)
	}
	startWorker(t, hub.server, functions)
	hub.completed(id, "[0,1,2]")
}

func TestEventsKeepTheirOrder(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(gathers, api.WithInput(200))
	for i := range 200 {
		hub.raise(id, "item", i)
	}
	var values []int
	hub.output(id, &values)
	for i, value := range values {
		if value != i {
			t.Fatalf("%d came at place %d", value, i)
		}
	}
}

func TestEventsOfManySendersAllArrive(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(gathers, api.WithInput(200))
	each(20, func(sender int) {
		for i := range 10 {
			if err := hub.RaiseEvent(hub.ctx, id, "item", api.WithEventPayload(sender*10+i)); err != nil {
				t.Error(err)
			}
		}
	})
	var values []int
	hub.output(id, &values)
	seen := map[int]bool{}
	for _, value := range values {
		seen[value] = true
	}
	if len(seen) != 200 {
		t.Errorf("%d different events of 200", len(seen))
	}
}

func TestEventNamesIgnoreCase(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(gathersThree)
	for i, name := range []string{"NAME 2", "name 0", "Name 1"} {
		hub.raise(id, name, fmt.Sprint("value ", i))
	}
	hub.completed(id, `["value 1","value 2","value 0"]`)
}

func TestEventsWithoutAPayload(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(gathers, api.WithInput(3))
	hub.must(hub.RaiseEvent(hub.ctx, id, "item"))
	hub.must(hub.RaiseEvent(hub.ctx, id, "item", api.WithRawEventData("")))
	hub.raise(id, "item", nil)
	hub.completed(id, "[null,null,null]")
}

func TestAnEventThatIsThereAlreadyNeedsNoWait(t *testing.T) {
	hub := ownHub(t)
	with, without := hub.schedule(looksOnce), hub.schedule(looksOnce)
	hub.raise(with, "early", "bird")
	startWorker(t, hub.server, functions)
	hub.completed(with, `"bird"`)
	hub.completed(without, fmt.Sprintf("%q", task.ErrTaskCanceled.Error()))
}

func TestAnEventForNobodyIsRefusedAndForTheEndedIsDropped(t *testing.T) {
	hub := sharedHub(t)
	hub.refused(hub.RaiseEvent(hub.ctx, hub.id(), "item"), codes.NotFound)
	id := hub.schedule(doublesInTurn, api.WithInput(1))
	hub.completed(id, "2")
	hub.raise(id, "item", 1)
	hub.completed(id, "2")
}
