package sdk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

var double = activity("double", func(ctx task.ActivityContext) (any, error) {
	var number int
	err := ctx.GetInput(&number)
	return number * 2, err
})

var fails = activity("fails", func(ctx task.ActivityContext) (any, error) {
	var reason string
	_ = ctx.GetInput(&reason)
	return nil, errors.New(reason)
})

var panics = activity("panics", func(task.ActivityContext) (any, error) { panic("on purpose") })

// doublesInTurn feeds each result into the next activity.
var doublesInTurn = orchestrator("doublesInTurn", func(ctx *task.OrchestrationContext) (any, error) {
	var steps int
	if err := ctx.GetInput(&steps); err != nil {
		return nil, err
	}
	number := 1
	for range steps {
		if err := ctx.CallActivity(double, task.WithActivityInput(number)).Await(&number); err != nil {
			return nil, err
		}
	}
	return number, nil
})

// doublesAtOnce schedules all of them in one turn: the SDK sends the actions in the random order of a map.
var doublesAtOnce = orchestrator("doublesAtOnce", func(ctx *task.OrchestrationContext) (any, error) {
	var width int
	if err := ctx.GetInput(&width); err != nil {
		return nil, err
	}
	tasks, results := make([]task.Task, width), make([]int, width)
	for i := range tasks {
		tasks[i] = ctx.CallActivity(double, task.WithActivityInput(i))
	}
	for i := range tasks {
		if err := tasks[i].Await(&results[i]); err != nil {
			return nil, err
		}
	}
	for i, result := range results {
		if result != 2*i {
			return nil, fmt.Errorf("%d came back as the double of %d", result, i)
		}
	}
	return len(results), nil
})

// calls runs the activity that its input names, and hands on its error.
var calls = orchestrator("calls", func(ctx *task.OrchestrationContext) (any, error) {
	var name string
	if err := ctx.GetInput(&name); err != nil {
		return nil, err
	}
	err := ctx.CallActivity(name, task.WithActivityInput("went wrong: ☃")).Await(nil)
	return "no error", err
})

// recovers goes on after an activity that failed.
var recovers = orchestrator("recovers", func(ctx *task.OrchestrationContext) (any, error) {
	err := ctx.CallActivity(fails, task.WithActivityInput("first")).Await(nil)
	if err == nil {
		return nil, errors.New("the activity should have failed")
	}
	var number int
	err = ctx.CallActivity(double, task.WithActivityInput(len("first"))).Await(&number)
	return number, err
})

func TestActivitiesInTurn(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(doublesInTurn, api.WithInput(20))
	hub.completed(id, "1048576")
	if found := hub.countHistory(id, "TaskCompleted"); found != 20 {
		t.Errorf("%d activities in the history, expected 20", found)
	}
}

func TestFiftyActivitiesAtOnce(t *testing.T) {
	hub := sharedHub(t)
	hub.completed(hub.schedule(doublesAtOnce, api.WithInput(50)), "50")
}

func TestAThousandActivitiesAtOnce(t *testing.T) {
	hub := sharedHub(t)
	hub.completed(hub.schedule(doublesAtOnce, api.WithInput(1000)), "1000")
}

func TestManyOrchestrationsAtOnce(t *testing.T) {
	hub := sharedHub(t)
	ids := make([]api.InstanceID, 100)
	for i := range ids {
		ids[i] = hub.schedule(doublesInTurn, api.WithInput(i%5))
	}
	for i, id := range ids {
		hub.completed(id, fmt.Sprint(1<<(i%5)))
	}
}

func TestAnOrchestrationWithoutSteps(t *testing.T) {
	hub := sharedHub(t)
	hub.completed(hub.schedule(doublesInTurn, api.WithInput(0)), "1")
}

func TestAnErrorOfAnActivityReachesTheOrchestrator(t *testing.T) {
	hub := sharedHub(t)
	hub.failed(hub.schedule(calls, api.WithInput(fails)), "went wrong: ☃")
	hub.failed(hub.schedule(calls, api.WithInput(panics)), "panic: on purpose")
	hub.completed(hub.schedule(recovers), "10")
}

func TestNamesThatNobodyRegistered(t *testing.T) {
	hub := sharedHub(t)
	hub.failed(hub.schedule(calls, api.WithInput("noSuchActivity")), "noSuchActivity")
	hub.failed(hub.schedule("noSuchOrchestrator"), "noSuchOrchestrator")
}
