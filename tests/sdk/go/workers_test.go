package sdk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// named is a registry whose activity tells which worker it ran on, and waits at the door "<worker>/<input>" first.
func named(worker string, doors *doors) *task.TaskRegistry {
	registry := task.NewTaskRegistry()
	_ = registry.AddActivityN("who", func(ctx task.ActivityContext) (any, error) {
		var key string
		err := ctx.GetInput(&key)
		doors.pass(worker + "/" + key)
		return worker, err
	})
	_ = registry.AddOrchestratorN("asks", func(ctx *task.OrchestrationContext) (any, error) {
		var keys []string
		if err := ctx.GetInput(&keys); err != nil {
			return nil, err
		}
		if doors.held(worker + "/turn") {
			doors.pass(worker + "/turn")
		}
		var tasks []task.Task
		for _, key := range keys {
			tasks = append(tasks, ctx.CallActivity("who", task.WithActivityInput(key)))
		}
		workers := make([]string, len(tasks))
		for i := range tasks {
			if err := tasks[i].Await(&workers[i]); err != nil {
				return nil, err
			}
		}
		return workers, nil
	})
	return registry
}

func TestAnActivityOfAWorkerThatLeftGoesToTheNext(t *testing.T) {
	hub := ownHub(t)
	var doors doors
	first := startWorker(t, hub.server, named("first", &doors))
	id := hub.schedule("asks", api.WithInput([]string{"a", "b"}))
	doors.waitUntilEntered(t, "first/a", 1)
	doors.waitUntilEntered(t, "first/b", 1)
	doors.open("first/a")
	eventually(t, "the first result", func() bool { return hub.countHistory(id, "TaskCompleted") == 1 })
	first.stop()
	startWorker(t, hub.server, named("second", &doors))
	doors.waitUntilEntered(t, "second/b", 1)
	doors.open("first/b") // Too late: nobody listens to the first worker any more.
	doors.open("second/b")
	hub.completed(id, `["first","second"]`)
	if times := doors.entered.of("second/a"); times != 0 {
		t.Errorf("what had been answered ran again")
	}
}

func TestATurnOfAWorkerThatLeftGoesToTheNext(t *testing.T) {
	hub := ownHub(t)
	var doors doors
	doors.door("first/turn")
	first := startWorker(t, hub.server, named("first", &doors))
	id := hub.schedule("asks", api.WithInput([]string{"a"}))
	doors.waitUntilEntered(t, "first/turn", 1)
	if status := hub.state(id).RuntimeStatus; status != api.RUNTIME_STATUS_PENDING {
		t.Errorf("%v before the first turn was answered", status)
	}
	first.stop()
	doors.open("second/a")
	startWorker(t, hub.server, named("second", &doors))
	hub.completed(id, `["second"]`)
	doors.open("first/turn")
}

func TestWorkersShareTheWork(t *testing.T) {
	hub := ownHub(t)
	var doors doors
	startWorker(t, hub.server, named("one", &doors))
	startWorker(t, hub.server, named("two", &doors))
	eventually(t, "both workers to be connected", func() bool { return hub.countWorkers() == 2 })
	keys := make([]string, 40)
	for i := range keys {
		keys[i] = fmt.Sprint(i)
	}
	id := hub.schedule("asks", api.WithInput(keys))
	entered := func(worker string) (found int) {
		for _, key := range keys {
			found += doors.entered.of(worker + "/" + key)
		}
		return found
	}
	eventually(t, "all activities at the doors", func() bool { return entered("one")+entered("two") == len(keys) })
	for _, key := range keys {
		doors.open("one/" + key)
		doors.open("two/" + key)
	}
	var workers []string
	hub.output(id, &workers)
	if one, two := entered("one"), entered("two"); one < 10 || two < 10 || one+two != len(keys) {
		t.Errorf("%d and %d activities, expected about half each", one, two)
	}
}

// This SDK does not know the server's health pings: it logs each as an unknown item, and must live on.
func TestPingsDoNotDisturbAnIdleWorker(t *testing.T) {
	hub := ownHub(t, "DURAHUB__GRPC__PING_SECS=1")
	worker := startWorker(t, hub.server, functions)
	eventually(t, "three pings", func() bool { return worker.count("unknown work item") >= 3 })
	hub.completed(hub.schedule(doublesInTurn, api.WithInput(4)), "16")
	if lost := worker.count("stream error"); lost != 0 {
		t.Errorf("the stream was lost %d times", lost)
	}
}

func TestWorkersComeAndGo(t *testing.T) {
	hub := ownHub(t)
	ids := make([]api.InstanceID, 30)
	for i := range ids {
		ids[i] = hub.schedule(doublesInTurn, api.WithInput(20))
	}
	for i := range 8 {
		worker := startWorker(t, hub.server, functions)
		eventually(t, "some progress", func() bool { return hub.countHistory(ids[0], "TaskCompleted") > i })
		worker.stop()
	}
	startWorker(t, hub.server, functions)
	for _, id := range ids {
		hub.completed(id, fmt.Sprint(1<<20))
		if found := hub.countHistory(id, "TaskCompleted"); found != 20 {
			t.Errorf("%s: %d results in the history, expected 20", id, found)
		}
	}
}

// A Go orchestrator whose activities run in Python as long as a worker there names them: this SDK's workers name nothing, so
// they come second.
func TestAGoAndAPythonWorkerServeOneHub(t *testing.T) {
	hub := ownHub(t)
	var doors doors
	stop := python(t, "worker.py", hub.server.address())
	startWorker(t, hub.server, named("Go", &doors))
	keys, inPython, inGo := make([]string, 20), make([]string, 20), make([]string, 20)
	for i := range keys {
		keys[i], inPython[i], inGo[i] = fmt.Sprint("☃", i), "Python", "Go"
		doors.open("Go/" + keys[i])
	}
	eventually(t, "the Python worker", func() bool {
		var workers []string
		hub.output(hub.schedule("asks", api.WithInput(keys)), &workers)
		return slices.Equal(workers, inPython)
	})
	stop()
	eventually(t, "the Go worker", func() bool {
		var workers []string
		hub.output(hub.schedule("asks", api.WithInput(keys)), &workers)
		return slices.Equal(workers, inGo)
	})
}
