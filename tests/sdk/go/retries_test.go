package sdk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// flaky is what the retried functions get: under which key they count, and how often they fail.
type flaky struct {
	Key      string
	Failures int
	ChildID  string
}

var attempts tally

func (f flaky) attempt() (any, error) {
	if made := attempts.add(f.Key); made <= f.Failures {
		return nil, fmt.Errorf("attempt %d of %s", made, f.Key)
	}
	return "at last", nil
}

func policy() *task.RetryPolicy {
	return &task.RetryPolicy{
		MaxAttempts: 4, InitialRetryInterval: 10 * time.Millisecond, BackoffCoefficient: 2, MaxRetryInterval: 30 * time.Millisecond,
		Handle: func(err error) bool { return !strings.Contains(err.Error(), "hopeless") },
	}
}

var flakyActivity = activity("flakyActivity", func(ctx task.ActivityContext) (any, error) {
	var input flaky
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	return input.attempt()
})

var flakyChild = orchestrator("flakyChild", func(ctx *task.OrchestrationContext) (any, error) {
	var input flaky
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	if input.Failures > 0 && !ctx.IsReplaying {
		return input.attempt()
	}
	return nil, errors.New("one turn should be enough")
})

var retriesActivity = orchestrator("retriesActivity", func(ctx *task.OrchestrationContext) (any, error) {
	var input flaky
	var output string
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	err := ctx.CallActivity(flakyActivity, task.WithActivityInput(input), task.WithActivityRetryPolicy(policy())).Await(&output)
	return output, err
})

var retriesChild = orchestrator("retriesChild", func(ctx *task.OrchestrationContext) (any, error) {
	var input flaky
	var output string
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	err := ctx.CallSubOrchestrator(flakyChild, task.WithSubOrchestratorInput(input),
		task.WithSubOrchestrationInstanceID(input.ChildID), task.WithSubOrchestrationRetryPolicy(policy())).Await(&output)
	return output, err
})

func (h *hub) attempted(key string, expected int) {
	h.t.Helper()
	if made := attempts.of(key); made != expected {
		h.t.Errorf("%d attempts of %s, expected %d", made, key, expected)
	}
}

func TestAnActivitySucceedsAtTheThirdAttempt(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	hub.schedule(retriesActivity, api.WithInstanceID(id), api.WithInput(flaky{Key: string(id), Failures: 2}))
	hub.completed(id, `"at last"`)
	hub.attempted(string(id), 3)
	if timers := hub.countHistory(id, "TimerFired"); timers != 2 {
		t.Errorf("%d pauses, expected 2", timers)
	}
}

func TestRetriesEnd(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	hub.schedule(retriesActivity, api.WithInstanceID(id), api.WithInput(flaky{Key: string(id), Failures: 9}))
	hub.failed(id, "attempt 4 of")
	hub.attempted(string(id), 4)
}

func TestThePolicyMayGiveUp(t *testing.T) {
	hub := sharedHub(t)
	key := string(hub.id("hopeless"))
	hub.failed(hub.schedule(retriesActivity, api.WithInput(flaky{Key: key, Failures: 9})), "attempt 1 of", "hopeless")
	hub.attempted(key, 1)
}

func TestAChildSucceedsAtTheThirdAttempt(t *testing.T) {
	hub := sharedHub(t)
	key := string(hub.id())
	id := hub.schedule(retriesChild, api.WithInput(flaky{Key: key, Failures: 2}))
	hub.completed(id, `"at last"`)
	hub.attempted(key, 3)
	// Each attempt is a child of its own: the SDK leaves the id open.
	children := map[string]bool{}
	_, history := hub.overHTTP(id)
	for _, event := range history {
		if event.FunctionName == flakyChild || event.Name == flakyChild {
			children[event.InstanceId] = true
		}
	}
	if len(children) != 3 || children[""] {
		t.Errorf("the attempts ran as %v, expected three different ids", children)
	}
}

func TestAChildIsRetriedUnderTheSameID(t *testing.T) {
	hub := sharedHub(t)
	child := hub.id("child")
	id := hub.schedule(retriesChild, api.WithInput(flaky{Key: string(child), Failures: 3, ChildID: string(child)}))
	hub.completed(id, `"at last"`)
	hub.completed(child, `"at last"`)
	hub.attempted(string(child), 4)
}
