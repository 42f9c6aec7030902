package sdk

import (
	"errors"
	"fmt"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"google.golang.org/grpc/codes"
)

var live = []api.OrchestrationStatus{api.RUNTIME_STATUS_RUNNING, api.RUNTIME_STATUS_PENDING, api.RUNTIME_STATUS_SUSPENDED}

// again starts the id a second time, with the reuse policy as this SDK words it: what to do for which statuses.
func (h *hub) again(id api.InstanceID, action api.CreateOrchestrationAction, statuses ...api.OrchestrationStatus) error {
	policy := &api.OrchestrationIdReusePolicy{Action: action, OperationStatus: statuses}
	started, err := h.ScheduleNewOrchestration(h.ctx, doublesInTurn, api.WithInput(2), api.WithInstanceID(id),
		api.WithOrchestrationIdReusePolicy(policy))
	if err == nil && started != id {
		h.t.Errorf("started %s as %s", id, started)
	}
	return err
}

func TestAnIDThatLivesIsRefused(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	_, err := hub.ScheduleNewOrchestration(hub.ctx, doublesInTurn, api.WithInstanceID(id))
	hub.refused(err, codes.AlreadyExists, string(id))
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_ERROR), codes.AlreadyExists)
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_IGNORE, api.RUNTIME_STATUS_COMPLETED), codes.AlreadyExists)
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_TERMINATE, api.RUNTIME_STATUS_COMPLETED), codes.AlreadyExists)
	hub.raise(id, "go", "the first one")
	hub.completed(id, `"the first one"`)
}

func TestAnIDThatHasEndedIsReplaced(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(failsAtOnce)
	hub.failed(id)
	hub.schedule(doublesInTurn, api.WithInstanceID(id), api.WithInput(2))
	hub.completed(id, "4")
}

func TestIgnoreKeepsTheFirstOne(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	hub.must(hub.again(id, api.REUSE_ID_ACTION_IGNORE, live...))
	hub.raise(id, "go", "the first one")
	hub.completed(id, `"the first one"`)
	hub.must(hub.again(id, api.REUSE_ID_ACTION_IGNORE, api.RUNTIME_STATUS_COMPLETED))
	hub.completed(id, `"the first one"`)
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_IGNORE, live...), codes.AlreadyExists)
}

func TestTerminateReplacesTheFirstOne(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	hub.must(hub.again(id, api.REUSE_ID_ACTION_TERMINATE, live...))
	hub.completed(id, "4")
	hub.must(hub.again(id, api.REUSE_ID_ACTION_TERMINATE, api.RUNTIME_STATUS_COMPLETED))
	hub.completed(id, "4")
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_TERMINATE, api.RUNTIME_STATUS_FAILED), codes.AlreadyExists)
}

// This SDK sends its ERROR as 0, which protobuf leaves out: on the wire it is the newer message that lists what may be replaced.
// The server reads it so (facts: the two are the same bytes), therefore only a list without the status refuses.
func TestErrorRefusesWhatItDoesNotList(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(doublesInTurn, api.WithInput(1))
	hub.completed(id, "2")
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_ERROR), codes.AlreadyExists)
	hub.refused(hub.again(id, api.REUSE_ID_ACTION_ERROR, api.RUNTIME_STATUS_FAILED), codes.AlreadyExists)
	hub.completed(id, "2")
}

func TestOfManyStartsOfOneIDOneWins(t *testing.T) {
	hub := sharedHub(t)
	id := hub.id()
	errs := make([]error, 32)
	each(len(errs), func(i int) {
		_, errs[i] = hub.ScheduleNewOrchestration(hub.ctx, waitsForGo, api.WithInstanceID(id))
	})
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			hub.refused(err, codes.AlreadyExists)
		}
	}
	if won != 1 {
		t.Errorf("%d starts won", won)
	}
}

func TestPurge(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(doublesInTurn, api.WithInput(1))
	hub.completed(id, "2")
	hub.must(hub.PurgeOrchestrationState(hub.ctx, id))
	if _, err := hub.FetchOrchestrationMetadata(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("after the purge: %v", err)
	}
	if err := hub.PurgeOrchestrationState(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("the second purge: %v", err)
	}
	hub.schedule(doublesInTurn, api.WithInstanceID(id), api.WithInput(3))
	hub.completed(id, "8")
}

func TestPurgeLeavesWhatLives(t *testing.T) {
	hub := sharedHub(t)
	id := hub.started(waitsForGo)
	if err := hub.PurgeOrchestrationState(hub.ctx, id); !errors.Is(err, api.ErrInstanceNotFound) {
		t.Errorf("the purge of a running instance: %v", err)
	}
	hub.raise(id, "go", 1)
	hub.completed(id, "1")
}

func TestPurgeOfAFamily(t *testing.T) {
	hub := sharedHub(t)
	for _, recursive := range []bool{true, false} {
		ids := hub.family()
		hub.must(hub.TerminateOrchestration(hub.ctx, ids[0]))
		for _, id := range ids {
			hub.end(id)
		}
		hub.must(hub.PurgeOrchestrationState(hub.ctx, ids[0], api.WithRecursivePurge(recursive)))
		for i, id := range ids {
			_, err := hub.FetchOrchestrationMetadata(hub.ctx, id)
			if gone := errors.Is(err, api.ErrInstanceNotFound); gone != (recursive || i == 0) {
				t.Errorf("recursive %v: %s is gone: %v (%v)", recursive, id, gone, err)
			}
		}
	}
}

func TestIDsThatAreRefused(t *testing.T) {
	hub := sharedHub(t)
	for _, id := range []api.InstanceID{"@entity@key", "line\nbreak", api.InstanceID(make([]byte, 5000))} {
		_, err := hub.ScheduleNewOrchestration(hub.ctx, doublesInTurn, api.WithInstanceID(id))
		hub.refused(err, codes.InvalidArgument)
	}
	odd := hub.id(" + ünicode:漢字")
	hub.completed(hub.schedule(saysItsID, api.WithInstanceID(odd)), fmt.Sprintf("%q", odd))
}
