package sdk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// survives has all kinds of steps: an activity at a door, a timer, a child, an event, and activities at once.
var survives = orchestrator("survives", func(ctx *task.OrchestrationContext) (any, error) {
	var number, levels int
	var said string
	if err := ctx.CallActivity(double, task.WithActivityInput(1)).Await(&number); err != nil {
		return nil, err
	}
	timer := ctx.CreateTimer(1)
	if err := ctx.CallActivity(gated, task.WithActivityInput(string(ctx.ID))).Await(nil); err != nil {
		return nil, err
	}
	if err := timer.Await(nil); err != nil {
		return nil, err
	}
	if err := ctx.CallSubOrchestrator(nests, task.WithSubOrchestratorInput(2)).Await(&levels); err != nil {
		return nil, err
	}
	if err := ctx.WaitForSingleEvent("go", -1).Await(&said); err != nil {
		return nil, err
	}
	var children []task.Task
	for i := range 3 {
		children = append(children, ctx.CallActivity(double, task.WithActivityInput(i)))
	}
	for i := range children {
		var doubled int
		if err := children[i].Await(&doubled); err != nil || doubled != 2*i {
			return nil, fmt.Errorf("%d, %w", doubled, err)
		}
	}
	return fmt.Sprintf("%d %d %s", number, levels, said), nil
})

// aroundAnEnd lets orchestrations run into the end of their server, with the worker and the waits attached all the time. Half of
// them wait at their doors.
func aroundAnEnd(t *testing.T, end func(hub *hub, openDoors func())) {
	hub := ownHub(t)
	worker := startWorker(t, hub.server, functions)
	const count = 30
	ids, outputs := make([]api.InstanceID, count), make(chan string, count)
	for i := range ids {
		ids[i] = hub.schedule(survives)
		go func() {
			state, err := hub.WaitForOrchestrationCompletion(hub.ctx, ids[i])
			if err != nil {
				outputs <- err.Error()
			} else {
				outputs <- state.SerializedOutput
			}
		}()
	}
	for _, id := range ids {
		gate.waitUntilEntered(t, string(id), 1)
	}
	for _, id := range ids[:count/2] {
		gate.open(string(id))
		hub.raise(id, "go", "before")
	}
	end(hub, func() {
		for _, id := range ids[count/2:] {
			gate.open(string(id))
		}
	})
	hub.must(hub.server.start())
	again := connect(t, hub.server) // A call of the old connection fails until that is back; only waits are repeated by the SDK.
	for _, id := range ids[count/2:] {
		again.raise(id, "go", "after")
	}
	found := map[string]int{}
	for range ids {
		found[<-outputs]++
	}
	if found[`"2 2 before"`] != count/2 || found[`"2 2 after"`] != count/2 {
		t.Errorf("outputs: %v", found)
	}
	for _, id := range ids {
		if results := hub.countHistory(id, "TaskCompleted"); results != 5 {
			t.Errorf("%s: %d results in the history, expected 5", id, results)
		}
	}
	eventually(t, "the worker", func() bool { return worker.count("successfully reconnected") > 0 })
}

// The server takes the answers that are out before it leaves: nothing runs twice.
func TestTheServerIsStoppedAndStarted(t *testing.T) {
	aroundAnEnd(t, func(hub *hub, openDoors func()) {
		ended := make(chan error, 1)
		go func() { ended <- hub.server.terminate() }()
		hub.waitForShutdown()
		openDoors()
		hub.must(<-ended)
	})
}

func (h *hub) waitForShutdown() {
	h.t.Helper()
	eventually(h.t, "the shutdown", func() bool { return strings.Contains(h.server.logTail(), "shutting down") })
}

// The answers meet no server: their work is handed out again.
func TestTheServerIsKilledAndStarted(t *testing.T) {
	aroundAnEnd(t, func(hub *hub, openDoors func()) {
		hub.must(hub.server.kill())
		openDoors()
	})
}

// A server that waits for an answer refuses new streams. This SDK pauses only if its Hello fails.
func TestAWorkerPausesWhileTheServerShutsDown(t *testing.T) {
	hub := ownHub(t)
	worker := startWorker(t, hub.server, functions)
	key := string(hub.id())
	hub.schedule(asksOnce, api.WithInput(key))
	gate.waitUntilEntered(t, key, 1)
	ended := make(chan error, 1)
	go func() { ended <- hub.server.terminate() }()
	hub.waitForShutdown()
	eventually(t, "its first try", func() bool { return worker.count("reconnecting") > 0 })
	holdsFor(t, time.Second, "no more than ten tries", func() bool { return worker.count("reconnecting") <= 10 })
	gate.open(key)
	hub.must(<-ended)
}

var asksOnce = orchestrator("asksOnce", func(ctx *task.OrchestrationContext) (any, error) {
	var key string
	if err := ctx.GetInput(&key); err != nil {
		return nil, err
	}
	return nil, ctx.CallActivity(gated, task.WithActivityInput(key)).Await(nil)
})

func TestAnIdleWorkerComesBack(t *testing.T) {
	hub := ownHub(t)
	startWorker(t, hub.server, functions)
	for round := range 3 {
		hub.completed(hub.schedule(doublesInTurn, api.WithInput(round)), fmt.Sprint(1<<round))
		hub.must(hub.server.kill())
		hub.must(hub.server.start())
		hub = connect(t, hub.server)
	}
	hub.completed(hub.schedule(doublesInTurn, api.WithInput(9)), "512")
}
