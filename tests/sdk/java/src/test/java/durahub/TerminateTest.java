package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.PENDING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.SUSPENDED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.StringValue;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.TerminateRequest;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Ending what has not ended. */
class TerminateTest {
    static final Gate gate = new Gate();
    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("terminate")
            .workers(2)
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            .orchestration("Family", ctx -> {
                int depth = ctx.getInput(int.class);
                if (depth == 0) {
                    return ctx.waitForExternalEvent("go", String.class).await();
                }
                List<Task<String>> children = new ArrayList<>();
                for (int number = 0; number < 2; number++) {
                    children.add(ctx.callSubOrchestrator("Family", depth - 1, ctx.getInstanceId() + "." + number, String.class));
                }
                return ctx.allOf(children).await();
            })
            .orchestration("Gated", ctx -> {
                ctx.callActivity("AtTheGate", ctx.getInstanceId()).await();
                return ctx.callActivity("Run", ctx.getInstanceId(), int.class).await();
            })
            .activity("AtTheGate", ctx -> {
                gate.pass(ctx.getInput(String.class));
                runs.add(ctx.getInput(String.class) + "-passed");
                return null;
            })
            .activity("Run", ctx -> runs.add(ctx.getInput(String.class)));

    /** Nobody serves this one. */
    @RegisterExtension
    static final Hub idle = new Hub("terminate-idle").workers(0);

    private static String running(String orchestration, Object input) {
        String id = hub.start(orchestration, input);
        hub.awaitStatus(id, RUNNING);
        return id;
    }

    @Test
    void aRunningInstanceEndsWithTheGivenOutput() throws Exception {
        String id = running("Waits", null);
        hub.client().terminate(id, Map.of("why", "enough", "times", 2));
        OrchestrationMetadata state = hub.end(id, TERMINATED);
        assertEquals(Map.of("why", "enough", "times", 2), state.readOutputAs(Map.class));
        assertTrue(state.isCompleted());
    }

    @Test
    void withoutAnOutputThereIsNone() throws Exception {
        String id = running("Waits", null);
        hub.client().terminate(id, null);
        assertNull(hub.end(id, TERMINATED).readOutputAs(String.class));
    }

    @Test
    void theFirstTerminationCounts() throws Exception {
        String id = running("Waits", null);
        hub.client().terminate(id, "first");
        hub.end(id, TERMINATED);
        hub.client().terminate(id, "second");
        assertEquals("first", hub.end(id, TERMINATED).readOutputAs(String.class));
    }

    @Test
    void recursionEndsAllDescendants() throws Exception {
        String id = running("Family", 2);
        for (String child : List.of(".0", ".1", ".0.0", ".0.1", ".1.0", ".1.1")) {
            hub.awaitStatus(id + child, RUNNING);
        }
        hub.stub().terminateInstance(TerminateRequest.newBuilder().setInstanceId(id).setOutput(StringValue.of("\"all\""))
                .setUnknownFields(NewerFields.flag(NewerFields.RECURSIVE)).build());
        for (String each : List.of("", ".0", ".1", ".0.0", ".0.1", ".1.0", ".1.1")) {
            assertEquals("all", hub.end(id + each, TERMINATED).readOutputAs(String.class));
        }
    }

    @Test
    void withoutRecursionTheChildrenLiveOn() throws Exception {
        String id = running("Family", 1);
        hub.awaitStatus(id + ".0", RUNNING);
        hub.awaitStatus(id + ".1", RUNNING);
        hub.client().terminate(id, "only the parent");
        hub.end(id, TERMINATED);
        hub.client().raiseEvent(id + ".0", "go", "still here");
        assertEquals("still here", hub.output(id + ".0", String.class));
        assertEquals(RUNNING, hub.status(id + ".1"));
    }

    @Test
    void aSuspendedInstanceCanBeTerminated() throws Exception {
        String id = running("Waits", null);
        hub.client().suspendInstance(id);
        hub.awaitStatus(id, SUSPENDED);
        hub.client().terminate(id, "while suspended");
        assertEquals("while suspended", hub.end(id, TERMINATED).readOutputAs(String.class));
    }

    @Test
    void aLateActivityResultWakesNothing() throws Exception {
        String id = hub.start("Gated", null);
        gate.awaitEntered(id);
        hub.client().terminate(id, "too slow");
        hub.end(id, TERMINATED);
        gate.open(id);
        Until.holds("the late activity to end", () -> runs.of(id + "-passed") == 1);
        Until.stays(Duration.ofMillis(300), "terminated", () -> hub.status(id) == TERMINATED);
        assertEquals(0, runs.of(id));
    }

    @Test
    void aPendingInstanceEndsAtOnceAndNeverRuns() throws Exception {
        String id = idle.start("Late", null);
        assertEquals(PENDING, idle.status(id));
        idle.client().terminate(id, "never mind");
        OrchestrationMetadata state = idle.client().waitForInstanceCompletion(id, Duration.ofSeconds(30), true);
        assertEquals(TERMINATED, state.getRuntimeStatus());
        assertEquals("never mind", state.readOutputAs(String.class));
        // A worker that comes later finds other work, but not this.
        try (RunningWorker late = idle.startWorker(new Functions().orchestration("Late", ctx -> runs.add("late")))) {
            assertTrue(late.alive());
            String other = idle.start("Late", null);
            assertEquals(1, idle.end(other, COMPLETED).readOutputAs(int.class));
        }
        assertEquals(TERMINATED, idle.status(id));
    }

    @Test
    void aRunningInstanceEndsAlthoughItsWorkerIsGone() throws Exception {
        String id;
        try (RunningWorker worker = idle.startWorker(new Functions()
                .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await()))) {
            assertTrue(worker.alive());
            id = idle.start("Waits", null);
            idle.awaitStatus(id, RUNNING);
        }
        idle.client().terminate(id, "nobody is there");
        assertEquals("nobody is there", idle.end(id, TERMINATED).readOutputAs(String.class));
    }

    @Test
    void aMissingInstanceIsRefusedAndAnEndedOneStays() throws Exception {
        Assert.refused(Status.Code.NOT_FOUND, () -> hub.client().terminate(Hub.newId("nobody"), "x"));
        String id = hub.start("Waits", null);
        hub.client().raiseEvent(id, "go", "done");
        hub.output(id, String.class);
        hub.client().terminate(id, "late");
        assertEquals("done", hub.output(id, String.class));
        assertFalse(hub.status(id) == TERMINATED);
    }
}
