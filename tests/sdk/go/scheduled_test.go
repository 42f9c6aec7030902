package sdk

import (
	"testing"
	"time"

	"github.com/microsoft/durabletask-go/api"
)

func TestAStartInTheFuture(t *testing.T) {
	hub := sharedHub(t)
	due := time.Now().Add(700 * time.Millisecond)
	id := hub.schedule(sleeps, api.WithStartTime(due), api.WithInput(time.Millisecond))
	holdsFor(t, 300*time.Millisecond, "PENDING", func() bool {
		return hub.state(id).RuntimeStatus == api.RUNTIME_STATUS_PENDING || !time.Now().Before(due)
	})
	var times []time.Time
	hub.output(id, &times)
	if times[0].Before(due) {
		t.Errorf("due at %v, but its first timer was due at %v", due, times[0])
	}
}

func TestAStartInThePast(t *testing.T) {
	hub := sharedHub(t)
	for _, due := range []time.Time{time.Now().Add(-time.Hour), time.Unix(0, 0), time.Now()} {
		hub.completed(hub.schedule(doublesInTurn, api.WithStartTime(due), api.WithInput(1)), "2")
	}
}

func TestAScheduledStartSurvivesARestart(t *testing.T) {
	hub := ownHub(t)
	due := time.Now().Add(500 * time.Millisecond)
	id := hub.schedule(doublesInTurn, api.WithStartTime(due), api.WithInput(1))
	hub.must(hub.server.kill())
	hub.must(hub.server.start())
	startWorker(t, hub.server, functions)
	hub.completed(id, "2")
	if now := time.Now(); now.Before(due) {
		t.Errorf("ended at %v, due at %v", now, due)
	}
}

func TestAScheduledStartCanBeTerminated(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(doublesInTurn, api.WithStartTime(time.Now().Add(time.Hour)), api.WithInput(1))
	hub.must(hub.TerminateOrchestration(hub.ctx, id, api.WithOutput("not today")))
	hub.ended(id, api.RUNTIME_STATUS_TERMINATED, `"not today"`)
}
