package sdk

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/microsoft/durabletask-go/api"
	"github.com/microsoft/durabletask-go/client"
	"github.com/microsoft/durabletask-go/task"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// payloadLimit is the default of limits.payload_bytes.
const payloadLimit = 3 << 20

// text is a JSON string of so many bytes, quotes included.
func text(bytes int) string { return strings.Repeat("x", bytes-2) }

var same = activity("same", func(ctx task.ActivityContext) (any, error) {
	var value json.RawMessage
	err := ctx.GetInput(&value)
	return value, err
})

// echoes sends its input through an activity, a child and the custom status.
var echoes = orchestrator("echoes", func(ctx *task.OrchestrationContext) (any, error) {
	var value, byActivity, byChild, byEvent json.RawMessage
	if err := ctx.GetInput(&value); err != nil {
		return nil, err
	}
	if err := ctx.CallActivity(same, task.WithActivityInput(value)).Await(&byActivity); err != nil {
		return nil, err
	}
	if err := ctx.CallSubOrchestrator(echoesAtOnce, task.WithSubOrchestratorInput(byActivity)).Await(&byChild); err != nil {
		return nil, err
	}
	if err := ctx.WaitForSingleEvent("value", -1).Await(&byEvent); err != nil {
		return nil, err
	}
	ctx.SetCustomStatus(string(byChild))
	return []json.RawMessage{byChild, byEvent}, nil
})

var echoesAtOnce = orchestrator("echoesAtOnce", func(ctx *task.OrchestrationContext) (any, error) {
	var value json.RawMessage
	err := ctx.GetInput(&value)
	return value, err
})

// measures has its input's length in the custom status, makes a text of so many bytes by an activity, and returns its length.
var measures = orchestrator("measures", func(ctx *task.OrchestrationContext) (any, error) {
	var input string
	var wanted int
	if err := ctx.GetInput(&input); err != nil {
		return nil, err
	}
	ctx.SetCustomStatus(fmt.Sprint(len(input)))
	if err := ctx.WaitForSingleEvent("bytes", -1).Await(&wanted); err != nil {
		return nil, err
	}
	var made string
	err := ctx.CallActivity(makesText, task.WithActivityInput(wanted)).Await(&made)
	return len(made) + 2, err
})

var makesText = activity("makesText", func(ctx task.ActivityContext) (any, error) {
	var bytes int
	err := ctx.GetInput(&bytes)
	return text(bytes), err
})

var returnsText = orchestrator("returnsText", func(ctx *task.OrchestrationContext) (any, error) {
	var bytes int
	err := ctx.GetInput(&bytes)
	return text(bytes), err
})

var receives = orchestrator("receives", func(ctx *task.OrchestrationContext) (any, error) {
	var event string
	err := ctx.WaitForSingleEvent("text", -1).Await(&event)
	return len(event) + 2, err
})

// hoards keeps a megabyte more in its history with each step.
var hoards = orchestrator("hoards", func(ctx *task.OrchestrationContext) (any, error) {
	for range 6 {
		if err := ctx.CallActivity(makesText, task.WithActivityInput(1<<20)).Await(nil); err != nil {
			return nil, err
		}
	}
	return "all of it", nil
})

func TestValuesSurviveEveryWay(t *testing.T) {
	hub := sharedHub(t)
	for _, value := range []string{
		`null`, `""`, `"Zoë ☃ 漢字 🦀 \u2028 \"quoted\" \\ \n"`, `[0,-1,1.5,1e300,9007199254740993]`, `[true,false]`,
		`{"a":[{"b":{"":null}}],"ä":[]}`, `"{\"not\":\"parsed\"}"`,
	} {
		id := hub.schedule(echoes, api.WithRawInput(value))
		hub.must(hub.RaiseEvent(hub.ctx, id, "value", api.WithRawEventData(value)))
		compact := compacted(value)
		hub.completed(id, "["+compact+","+compact+"]")
		if state := hub.state(id); state.SerializedInput != value || state.SerializedCustomStatus != compact {
			t.Errorf("%s: input %s, custom status %s", value, state.SerializedInput, state.SerializedCustomStatus)
		}
	}
}

// compacted is how encoding/json writes the text again.
func compacted(text string) string {
	written, err := json.Marshal(json.RawMessage(text))
	if err != nil {
		panic(err)
	}
	return string(written)
}

func TestNoInputAndNoOutput(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(doublesInTurn)
	hub.completed(id, "1")
	if input := hub.state(id).SerializedInput; input != "" {
		t.Errorf("input %q", input)
	}
	hub.completed(hub.schedule(echoesAtOnce, api.WithRawInput("")), "null")
}

func TestAnInputAsLargeAsTheLimit(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(measures, api.WithInput(text(payloadLimit)))
	eventually(t, "the custom status", func() bool {
		return hub.state(id).SerializedCustomStatus == fmt.Sprint(payloadLimit-2)
	})
	hub.raise(id, "bytes", 1000)
	hub.completed(id, "1000")

	_, err := hub.ScheduleNewOrchestration(hub.ctx, measures, api.WithInput(text(payloadLimit+1)))
	hub.refused(err, codes.ResourceExhausted, "input", fmt.Sprint(payloadLimit+1), fmt.Sprint(payloadLimit))
}

func TestAResultAsLargeAsTheLimit(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(measures, api.WithInput(""))
	hub.raise(id, "bytes", payloadLimit)
	hub.completed(id, fmt.Sprint(payloadLimit))

	id = hub.schedule(measures, api.WithInput(""))
	hub.raise(id, "bytes", payloadLimit+1)
	hub.failed(id, fmt.Sprint(payloadLimit+1), fmt.Sprint(payloadLimit))
}

func TestAnOutputAsLargeAsTheLimit(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(returnsText, api.WithInput(payloadLimit))
	if output := hub.end(id).SerializedOutput; len(output) != payloadLimit {
		t.Errorf("%d bytes", len(output))
	}
	hub.failed(hub.schedule(returnsText, api.WithInput(payloadLimit+1)), fmt.Sprint(payloadLimit+1))
}

func TestAnEventAsLargeAsTheLimit(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(receives)
	hub.refused(hub.RaiseEvent(hub.ctx, id, "text", api.WithEventPayload(text(payloadLimit+1))), codes.ResourceExhausted)
	hub.raise(id, "text", text(payloadLimit))
	hub.completed(id, fmt.Sprint(payloadLimit))
}

// The SDK receives no more than 4 MiB unless told otherwise: input and output together are more here.
func TestAStateAboveWhatTheSDKReceives(t *testing.T) {
	hub := sharedHub(t)
	id := hub.schedule(echoesAtOnce, api.WithInput(text(payloadLimit-1024)))
	state, err := hub.WaitForOrchestrationCompletion(hub.ctx, id, api.WithFetchPayloads(false))
	if err != nil || state.RuntimeStatus != api.RUNTIME_STATUS_COMPLETED {
		t.Fatalf("%+v, %v", state, err)
	}
	connection := dial(hub.server, grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(16<<20)))
	defer connection.Close()
	state, err = client.NewTaskHubGrpcClient(connection, &notes{}).FetchOrchestrationMetadata(hub.ctx, id)
	if err != nil || state.SerializedInput != state.SerializedOutput || len(state.SerializedOutput) != payloadLimit-1024 {
		t.Errorf("%v, %d and %d bytes", err, len(state.SerializedInput), len(state.SerializedOutput))
	}
}

// The worker would be cut off again and again by a work item that it cannot receive.
func TestAHistoryAboveWhatTheSDKReceivesFails(t *testing.T) {
	hub := sharedHub(t)
	hub.failed(hub.schedule(hoards), "limits.work_item_bytes")
	hub.completed(hub.schedule(doublesInTurn, api.WithInput(1)), "2")
}
