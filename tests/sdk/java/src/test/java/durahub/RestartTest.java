package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.util.List;
import java.util.Map;

/** The client of this SDK restarts by itself: it reads the instance and starts one with the same name and input. */
class RestartTest {
    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("restart")
            .orchestration("Counts", ctx -> {
                ctx.callActivity("Run", ctx.getInstanceId()).await();
                return ctx.getInput(Object.class);
            })
            .orchestration("Throws", ctx -> {
                throw new IllegalStateException("every time");
            })
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            .activity("Run", ctx -> runs.add(ctx.getInput(String.class)));

    @Test
    void underItsOwnIdItRunsAgain() throws Exception {
        String id = hub.start("Counts", Map.of("a", List.of(1, 2)));
        OrchestrationMetadata first = hub.end(id);
        assertEquals(id, hub.client().restartInstance(id, false));
        OrchestrationMetadata second = hub.end(id);
        assertEquals(first.getSerializedOutput(), second.getSerializedOutput());
        assertTrue(second.getCreatedAt().isAfter(first.getCreatedAt()));
        assertEquals(2, runs.of(id));
    }

    @Test
    void aNewIdLeavesTheOldOneAlone() throws Exception {
        String id = hub.start("Counts", "same");
        OrchestrationMetadata first = hub.end(id);
        String again = hub.client().restartInstance(id, true);
        assertNotEquals(id, again);
        assertEquals("same", hub.output(again, String.class));
        assertEquals(first.getLastUpdatedAt(), hub.client().getInstanceMetadata(id, false).getLastUpdatedAt());
        assertEquals(1, runs.of(id));
    }

    @Test
    void withoutAnInputThereIsNone() throws Exception {
        String id = hub.start("Counts", null);
        hub.end(id);
        assertEquals("", hub.end(hub.client().restartInstance(id, false)).getSerializedInput());
        assertEquals(2, runs.of(id));
    }

    @Test
    void aFailedOneFailsAgain() throws Exception {
        String id = hub.start("Throws", null);
        hub.end(id, FAILED);
        String again = hub.client().restartInstance(id, true);
        assertEquals("every time", hub.end(again, FAILED).getFailureDetails().getErrorMessage());
    }

    @Test
    void eventsOfTheOldOneDoNotReachTheNew() throws Exception {
        String id = hub.start("Waits", null);
        hub.client().raiseEvent(id, "go", "first");
        hub.client().raiseEvent(id, "go", "left over");
        assertEquals("first", hub.output(id, String.class));
        hub.client().restartInstance(id, false);
        hub.client().raiseEvent(id, "go", "second");
        assertEquals("second", hub.output(id, String.class));
    }

    @Test
    void aLiveOneIsRefusedUnderItsOwnIdAndAMissingOneAlways() {
        String id = hub.start("Waits", null);
        Assert.refused(Status.Code.ALREADY_EXISTS, () -> hub.client().restartInstance(id, false));
        assertThrows(IllegalArgumentException.class, () -> hub.client().restartInstance(Hub.newId("nobody"), false));
        assertThrows(IllegalArgumentException.class, () -> hub.client().restartInstance(Hub.newId("nobody"), true));
    }
}
