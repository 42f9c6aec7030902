package sdk

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
)

func TestTheWaitForTheStartEndsWithTheFirstTurn(t *testing.T) {
	hub := ownHub(t)
	id := hub.schedule(waitsForGo, api.WithInput("in"))
	seen := make(chan *api.OrchestrationMetadata, 1)
	go func() {
		state, _ := hub.WaitForOrchestrationStart(hub.ctx, id, api.WithFetchPayloads(true))
		seen <- state
	}()
	holdsFor(t, 200*time.Millisecond, "the wait", func() bool { return len(seen) == 0 })
	startWorker(t, hub.server, functions)
	if state := <-seen; state == nil || state.RuntimeStatus != api.RUNTIME_STATUS_RUNNING || state.SerializedInput != `"in"` {
		t.Errorf("started: %+v", state)
	}
	hub.raise(id, "go", "out")
	hub.completed(id, `"out"`)
	if state, err := hub.WaitForOrchestrationStart(hub.ctx, id); err != nil || state.RuntimeStatus != api.RUNTIME_STATUS_COMPLETED {
		t.Errorf("the start of what has ended: %+v, %v", state, err)
	}
}

func TestAWaitEndsAtItsDeadline(t *testing.T) {
	hub := sharedHub(t)
	running := hub.started(waitsForGo)
	later := hub.schedule(waitsForGo, api.WithStartTime(time.Now().Add(time.Hour)))
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	if _, err := hub.WaitForOrchestrationCompletion(ctx, running); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait for the end: %v", err)
	}
	if _, err := hub.WaitForOrchestrationStart(ctx, later); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the wait for the start: %v", err)
	}
	hub.raise(running, "go", 1)
	hub.completed(running, "1")
	hub.must(hub.TerminateOrchestration(hub.ctx, later))
	hub.end(later)
}

// This SDK repeats a wait after any error, so the answer has to be "does not exist".
func TestAWaitForNobodyEndsAtOnce(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	if _, err := hub.FetchOrchestrationMetadata(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("fetch: %v", err)
	}
	if _, err := hub.WaitForOrchestrationStart(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("wait for the start: %v", err)
	}
	if _, err := hub.WaitForOrchestrationCompletion(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("wait for the end: %v", err)
	}
}

func TestManyWaitForOneInstance(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	var waiting tally
	answers := make(chan string, 100)
	for range cap(answers) {
		go func() {
			waiting.add("")
			state, err := hub.WaitForOrchestrationCompletion(hub.ctx, id)
			if err != nil {
				answers <- err.Error()
			} else {
				answers <- state.SerializedOutput
			}
		}()
	}
	eventually(t, "the waits", func() bool { return waiting.of("") == cap(answers) })
	hub.raise(id, "go", 5)
	for range cap(answers) {
		if answer := <-answers; answer != "5" {
			t.Errorf("a wait returned %s", answer)
		}
	}
}

func TestAWaitOutlivesContinueAsNew(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(forgets, api.WithInput(0))
	seen := make(chan string, 1)
	go func() {
		state, err := hub.WaitForOrchestrationCompletion(hub.ctx, id)
		if err != nil {
			t.Error(err)
		} else {
			seen <- state.SerializedOutput
		}
	}()
	hub.raise(id, "next", "one")
	eventually(t, "the second generation", func() bool { return hub.state(id).SerializedInput == "1" })
	hub.raise(id, "next", "two")
	if output := <-seen; output != `"two"` {
		t.Errorf("the wait returned %s", output)
	}
}

func TestWhatAStateTells(t *testing.T) {
	hub := sharedHub(t)
	before := time.Now().Add(-time.Second)
	id := hub.schedule(doublesInTurn, api.WithInput(2))
	hub.completed(id, "4")
	state := hub.state(id)
	if state.InstanceID != id || state.Name != doublesInTurn || state.SerializedInput != "2" {
		t.Errorf("%+v", state)
	}
	if state.CreatedAt.Before(before) || state.LastUpdatedAt.Before(state.CreatedAt) || state.LastUpdatedAt.After(time.Now().Add(time.Second)) {
		t.Errorf("created %v, updated %v", state.CreatedAt, state.LastUpdatedAt)
	}
	bare, err := hub.FetchOrchestrationMetadata(hub.ctx, id, api.WithFetchPayloads(false))
	if err != nil || bare.SerializedInput != "" || bare.SerializedOutput != "" || bare.SerializedCustomStatus != "" {
		t.Errorf("without payloads: %+v, %v", bare, err)
	}
}
