package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.NewOrchestrationInstanceOptions;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.CreateInstanceRequest;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.GetInstanceRequest;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.OrchestrationState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Instant;
import java.util.Map;

/** What an instance says about itself. */
class StatusTest {
    @RegisterExtension
    static final Hub hub = new Hub("status")
            .orchestration("Steps", ctx -> {
                ctx.setCustomStatus(Map.of("step", 1));
                ctx.waitForExternalEvent("go").await();
                ctx.setCustomStatus("second step, ✓");
                ctx.waitForExternalEvent("go").await();
                ctx.clearCustomStatus();
                ctx.waitForExternalEvent("go").await();
                ctx.setCustomStatus("the last one");
                return "done";
            })
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            .orchestration("Parent", ctx ->
                    ctx.callSubOrchestrator("Waits", null, ctx.getInstanceId() + "-child", String.class).await());

    private static OrchestrationMetadata state(String id) {
        return hub.client().getInstanceMetadata(id, true);
    }

    private static OrchestrationState whole(String id) {
        return hub.stub().getInstance(GetInstanceRequest.newBuilder().setInstanceId(id).setGetInputsAndOutputs(true).build())
                .getOrchestrationState();
    }

    @Test
    void aCustomStatusIsSeenWhileRunningClearedAndKeptAtTheEnd() throws Exception {
        String id = hub.start("Steps", null);
        hub.client().waitForInstanceStart(id, Hub.PATIENCE);
        assertEquals(Map.of("step", 1), state(id).readCustomStatusAs(Map.class));
        assertTrue(state(id).isRunning());
        hub.client().raiseEvent(id, "go");
        Until.holds("the second status", () -> "second step, ✓".equals(state(id).readCustomStatusAs(Object.class)));
        hub.client().raiseEvent(id, "go");
        Until.holds("no status", () -> !state(id).isCustomStatusFetched());
        hub.client().raiseEvent(id, "go");
        assertEquals("done", hub.output(id, String.class));
        assertEquals("the last one", state(id).readCustomStatusAs(String.class));
        assertFalse(hub.client().getInstanceMetadata(id, false).isCustomStatusFetched());
    }

    @Test
    void waitingForTheStartAnswersWhileItRuns() throws Exception {
        String id = hub.start("Waits", null);
        OrchestrationMetadata state = hub.client().waitForInstanceStart(id, Hub.PATIENCE, true);
        assertEquals(RUNNING, state.getRuntimeStatus());
        assertEquals(id, state.getInstanceId());
        assertEquals("Waits", state.getName());
    }

    @Test
    void timesAreThereAndInOrder() throws Exception {
        Instant before = Instant.now();
        String id = hub.start("Waits", null);
        hub.awaitStatus(id, RUNNING);
        OrchestrationMetadata running = state(id);
        hub.client().raiseEvent(id, "go", "x");
        OrchestrationMetadata ended = hub.end(id, COMPLETED);
        assertFalse(running.getCreatedAt().isBefore(before.minusMillis(1)), running::toString);
        assertEquals(running.getCreatedAt(), ended.getCreatedAt());
        assertFalse(ended.getLastUpdatedAt().isBefore(running.getLastUpdatedAt()), ended::toString);
        assertFalse(ended.getLastUpdatedAt().isAfter(Instant.now().plusMillis(1)), ended::toString);
    }

    @Test
    void theVersionIsKept() {
        var options = new NewOrchestrationInstanceOptions().setInstanceId(Hub.newId("version")).setVersion("2.1");
        String id = hub.schedule("Waits", options);
        assertEquals("2.1", whole(id).getVersion().getValue());
        assertFalse(whole(hub.start("Waits", null)).hasVersion());
    }

    @Test
    void tagsAreKeptAndHandedToChildren() throws Exception {
        Map<String, String> tags = Map.of("team", "Übersee", "empty", "");
        String id = Hub.newId("tags");
        hub.stub().startInstance(CreateInstanceRequest.newBuilder().setInstanceId(id).setName("Parent")
                .setUnknownFields(NewerFields.map(NewerFields.START_TAGS, tags)).build());
        assertEquals(tags, NewerFields.map(whole(id).getUnknownFields(), NewerFields.STATE_TAGS));
        hub.awaitStatus(id + "-child", RUNNING);
        OrchestrationState child = whole(id + "-child");
        assertEquals(tags, NewerFields.map(child.getUnknownFields(), NewerFields.STATE_TAGS));
        assertEquals(id, NewerFields.wrapped(child.getUnknownFields(), NewerFields.STATE_PARENT));
        hub.client().raiseEvent(id + "-child", "go", "x");
        assertEquals("x", hub.output(id, String.class));
    }
}
