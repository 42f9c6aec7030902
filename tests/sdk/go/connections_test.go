package sdk

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"google.golang.org/grpc"
)

// cable is a worker's way to the server, which can be cut while the worker lives on.
type cable struct {
	mutex sync.Mutex
	conns []net.Conn
}

func (c *cable) plug() grpc.DialOption {
	return grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		c.mutex.Lock()
		defer c.mutex.Unlock()
		c.conns = append(c.conns, conn)
		return conn, err
	})
}

func (c *cable) cut() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	for _, conn := range c.conns {
		if conn != nil {
			conn.Close()
		}
	}
	c.conns = nil
}

// The activity runs on in the worker and is handed out again: two answers, neither with a token.
func TestOfTwoAnswersAfterACutOneCounts(t *testing.T) {
	hub := ownHub(t)
	var cable cable
	startWorker(t, hub.server, functions, cable.plug())
	id := hub.id()
	hub.schedule(worksInSteps, api.WithInstanceID(id))
	gate.waitUntilEntered(t, string(id), 1)
	cable.cut()
	gate.waitUntilEntered(t, string(id), 2)
	gate.open(string(id))
	hub.raise(id, "go", "on")
	hub.completed(id, fmt.Sprintf(`["%s","on","1"]`, id))
	if results := hub.countHistory(id, "TaskCompleted"); results != 2 {
		t.Errorf("%d results in the history, expected 2", results)
	}
}

func TestCutsUnderLoad(t *testing.T) {
	hub := ownHub(t)
	var cable cable
	worker := startWorker(t, hub.server, functions, cable.plug())
	ids := make([]api.InstanceID, 30)
	for i := range ids {
		ids[i] = hub.schedule(doublesInTurn, api.WithInput(20))
	}
	for i := range 5 {
		eventually(t, "some progress", func() bool { return hub.countHistory(ids[0], "TaskCompleted") > 2*i })
		cable.cut()
		eventually(t, "the worker", func() bool { return worker.count("successfully reconnected") > i })
	}
	for _, id := range ids {
		hub.completed(id, fmt.Sprint(1<<20))
		if found := hub.countHistory(id, "TaskCompleted"); found != 20 {
			t.Errorf("%s: %d results in the history, expected 20", id, found)
		}
	}
}
