package sdk

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/task"
)

// sleeps returns when the timer was due and when the orchestration went on.
var sleeps = orchestrator("sleeps", func(ctx *task.OrchestrationContext) (any, error) {
	var pause time.Duration
	if err := ctx.GetInput(&pause); err != nil {
		return nil, err
	}
	due := ctx.CurrentTimeUtc.Add(pause)
	err := ctx.CreateTimer(pause).Await(nil)
	return []time.Time{due, ctx.CurrentTimeUtc}, err
})

// sleepsOften is many timers in one turn, the longest first.
var sleepsOften = orchestrator("sleepsOften", func(ctx *task.OrchestrationContext) (any, error) {
	var timers []task.Task
	for i := 100; i > 0; i-- {
		timers = append(timers, ctx.CreateTimer(time.Duration(i)*time.Millisecond))
	}
	for _, timer := range timers {
		if err := timer.Await(nil); err != nil {
			return nil, err
		}
	}
	return len(timers), nil
})

// waitsAtMost is the race of an event against a timer.
var waitsAtMost = orchestrator("waitsAtMost", func(ctx *task.OrchestrationContext) (any, error) {
	var limit time.Duration
	if err := ctx.GetInput(&limit); err != nil {
		return nil, err
	}
	var value any
	err := ctx.WaitForSingleEvent("go", limit).Await(&value)
	if errors.Is(err, task.ErrTaskCanceled) {
		return "too late", nil
	}
	return value, err
})

func TestTimersFireWhenTheyAreDue(t *testing.T) {
	hub := sharedHub(t)
	for _, pause := range []time.Duration{-time.Hour, 0, time.Microsecond, time.Millisecond, 1234567 * time.Nanosecond, 700 * time.Millisecond} {
		begun := time.Now()
		id := hub.schedule(sleeps, api.WithInput(pause))
		var times []time.Time
		hub.output(id, &times)
		if due, now := times[0], times[1]; now.Before(due) {
			t.Errorf("a timer of %v fired at %v, before %v", pause, now, due)
		}
		if passed := time.Since(begun); passed < pause {
			t.Errorf("a timer of %v fired after %v", pause, passed)
		}
		if fired := hub.countHistory(id, "TimerFired"); fired != 1 {
			t.Errorf("a timer of %v fired %d times", pause, fired)
		}
	}
}

func TestManyTimersOfOneTurn(t *testing.T) {
	hub := sharedHub(t)
	hub.completed(hub.schedule(sleepsOften), "100")
}

func TestAFarTimerWaits(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(sleeps, api.WithInput(200*365*24*time.Hour))
	holdsFor(t, 300*time.Millisecond, "the timer", func() bool { return hub.state(id).RuntimeStatus == api.RUNTIME_STATUS_RUNNING })
	hub.must(hub.TerminateOrchestration(hub.ctx, id))
	hub.end(id)
}

func TestAnEventBeatsALongTimer(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsAtMost, api.WithInput(1000*time.Hour))
	hub.raise(id, "go", "in time")
	hub.completed(id, `"in time"`)
}

func TestATimerBeatsAnEventThatNeverComes(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(waitsAtMost, api.WithInput(50*time.Millisecond))
	hub.completed(id, `"too late"`)
	hub.raise(id, "go", "after the end")
	hub.completed(id, `"too late"`)
}

func TestEventsRaceWithTimers(t *testing.T) {
	hub := sharedHub(t)
	each(40, func(i int) {
		id, err := hub.ScheduleNewOrchestration(hub.ctx, waitsAtMost, api.WithInput(time.Duration(i)*time.Millisecond))
		if err == nil {
			time.Sleep(time.Duration(i%8) * 5 * time.Millisecond) // The race itself: either may win.
			err = hub.RaiseEvent(hub.ctx, id, "go", api.WithEventPayload(i))
		}
		if err != nil {
			t.Error(err)
			return
		}
		state, err := hub.WaitForOrchestrationCompletion(hub.ctx, id)
		if err != nil || state.SerializedOutput != `"too late"` && state.SerializedOutput != fmt.Sprint(i) {
			t.Errorf("%s: %v, %+v", id, err, state)
		}
	})
}
