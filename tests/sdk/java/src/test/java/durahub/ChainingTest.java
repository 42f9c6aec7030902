package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.NewOrchestrationInstanceOptions;
import com.microsoft.durabletask.OrchestrationMetadata;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.UUID;

/** One step after the other. */
class ChainingTest {
    static final Counts runs = new Counts();
    static final Counts replays = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("chaining")
            .orchestration("Empty", ctx -> null)
            .orchestration("Echo", ctx -> ctx.getInput(String.class))
            .orchestration("Chain", ctx -> {
                int value = ctx.getInput(int.class);
                for (int step = 0; step < 10; step++) {
                    value = ctx.callActivity("PlusOne", new Object[] {ctx.getInstanceId(), value}, int.class).await();
                }
                return value;
            })
            .orchestration("ThenApply", ctx -> ctx.callActivity("PlusOne", new Object[] {ctx.getInstanceId(), 1}, int.class)
                    .thenApply(value -> "got " + value).await())
            .orchestration("Replays", ctx -> {
                List<String> seen = new ArrayList<>();
                for (int step = 0; step < 3; step++) {
                    seen.add(ctx.getCurrentInstant() + " " + ctx.newUUID());
                    replays.add(ctx.getInstanceId() + step, seen.get(step));
                    if (!ctx.getIsReplaying()) {
                        replays.add(ctx.getInstanceId() + "-fresh");
                    }
                    ctx.callActivity("Nothing").await();
                }
                return String.join("\n", seen);
            })
            .orchestration("CallsMissingActivity", ctx -> ctx.callActivity("NobodyHasThis", 1, int.class).await())
            .activity("PlusOne", ctx -> {
                Object[] input = ctx.getInput(Object[].class);
                runs.add((String) input[0]);
                return (int) input[1] + 1;
            })
            .activity("Nothing", ctx -> null);

    @Test
    void anOrchestratorWithoutTasksCompletes() throws Exception {
        OrchestrationMetadata state = hub.end(hub.start("Empty", null), COMPLETED);
        assertNull(state.readOutputAs(String.class));
        assertEquals("Empty", state.getName());
        assertTrue(state.isCompleted());
        assertFalse(state.isRunning());
        assertFalse(state.getLastUpdatedAt().isBefore(state.getCreatedAt()));
    }

    @Test
    void tenActivitiesInSequencePassTheirResultsOn() throws Exception {
        String id = hub.start("Chain", 100);
        assertEquals(110, hub.output(id, int.class));
        assertEquals(10, runs.of(id));
    }

    @Test
    void aResultCanBeMapped() throws Exception {
        assertEquals("got 2", hub.run("ThenApply", null, String.class));
    }

    @Test
    void theClientMakesAnIdWhenNoneIsGiven() throws Exception {
        String id = hub.client().scheduleNewOrchestrationInstance("Echo", "x");
        assertEquals(id, UUID.fromString(id).toString());
        assertEquals("x", hub.output(id, String.class));
    }

    @Test
    void aReplaySeesTheSameTimesAndIds() throws Exception {
        Instant before = Instant.now();
        String id = hub.start("Replays", null);
        List<String> lines = Arrays.asList(hub.output(id, String.class).split("\n"));
        for (int step = 0; step < 3; step++) {
            // Run once, and replayed in each later turn.
            assertEquals(Collections.nCopies(4 - step, lines.get(step)), replays.list(id + step));
        }
        List<Instant> times = lines.stream().map(line -> Instant.parse(line.split(" ")[0])).toList();
        // Of whole milliseconds, so a quick turn may be in that of the one before.
        assertEquals(times.stream().sorted().toList(), times);
        assertTrue(times.get(0).isAfter(before.minusSeconds(5)), times::toString);
        assertEquals(3, replays.of(id + "-fresh"), "each step is new in one turn only");
    }

    @Test
    void anUnregisteredOrchestratorFails() throws Exception {
        OrchestrationMetadata state = hub.end(hub.start("NobodyHasThis", null), FAILED);
        assertEquals(NullPointerException.class.getName(), state.getFailureDetails().getErrorType());
    }

    @Test
    void anUnregisteredActivityFailsItsCaller() throws Exception {
        OrchestrationMetadata state = hub.end(hub.start("CallsMissingActivity", null), FAILED);
        assertTrue(state.getFailureDetails().getErrorMessage().contains("No activity task named 'NobodyHasThis'"),
                state.getFailureDetails().getErrorMessage());
    }

    @Test
    void aLiveIdIsRefusedAndAnEndedOneStartsAnew() throws Exception {
        String id = hub.start("Echo", "first");
        assertEquals("first", hub.output(id, String.class));
        hub.client().scheduleNewOrchestrationInstance("Echo", "second", id);
        assertEquals("second", hub.output(id, String.class));

        hub.schedule("Echo", new NewOrchestrationInstanceOptions().setInstanceId(id).setStartTime(Instant.now().plusSeconds(3600)));
        Assert.refused(Status.Code.ALREADY_EXISTS,
                () -> hub.client().scheduleNewOrchestrationInstance("Echo", "fourth", id));
    }
}
