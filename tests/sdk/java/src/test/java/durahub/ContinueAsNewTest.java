package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.TaskCanceledException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

/** Generations. */
class ContinueAsNewTest {
    private static final int SENDERS = 50;
    private static final int EACH = 20;

    /** What the collector hands to its next generation. */
    public static final class Collected {
        public List<String> seen = new ArrayList<>();
        public int generations;
    }

    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("generations")
            .orchestration("Generations", ctx -> {
                int[] state = ctx.getInput(int[].class);
                ctx.callActivity("Run", ctx.getInstanceId()).await();
                if (state[0] < state[1]) {
                    ctx.continueAsNew(new int[] {state[0] + 1, state[1]});
                }
                return state[0];
            })
            .orchestration("Collect", ctx -> {
                Collected state = ctx.getInput(Collected.class);
                for (int number = 0; number < 25 && state.seen.size() < SENDERS * EACH; number++) {
                    state.seen.add(ctx.waitForExternalEvent("item", String.class).await());
                }
                // An SDK of this version carries on all events of the turn in which it begins anew, used or not, so that turn has
                // to be one that used none: the one of this activity's result.
                ctx.callActivity("Run", ctx.getInstanceId()).await();
                if (state.seen.size() < SENDERS * EACH) {
                    state.generations++;
                    ctx.continueAsNew(state, true);
                }
                return state;
            })
            .orchestration("Drops", ctx -> {
                if (ctx.getInput(int.class) == 0) {
                    ctx.waitForExternalEvent("go").await();
                    ctx.continueAsNew(1, false);
                }
                try {
                    ctx.waitForExternalEvent("buffered", Duration.ofMillis(50)).await();
                    return "kept";
                } catch (TaskCanceledException none) {
                    return "dropped, then " + ctx.waitForExternalEvent("later", String.class).await();
                }
            })
            .orchestration("ChildEach", ctx -> {
                int[] state = ctx.getInput(int[].class);
                int sum = state[1] + ctx.callSubOrchestrator("Child", state[0], int.class).await();
                if (state[0] < 10) {
                    ctx.continueAsNew(new int[] {state[0] + 1, sum});
                }
                return sum;
            })
            .orchestration("Child", ctx -> ctx.getInput(int.class) * 2)
            .orchestration("FailsThird", ctx -> {
                int generation = ctx.getInput(int.class);
                if (generation == 3) {
                    throw new IllegalStateException("third generation");
                }
                ctx.continueAsNew(generation + 1);
                return null;
            })
            .orchestration("LeavesWorkBehind", ctx -> {
                if (ctx.getInput(int.class) == 0) {
                    ctx.setCustomStatus("first");
                    ctx.createTimer(Duration.ofMillis(300));
                    ctx.callActivity("Run", ctx.getInstanceId() + "-first");
                    ctx.waitForExternalEvent("go").await();
                    ctx.continueAsNew(1);
                }
                return ctx.waitForExternalEvent("finish", String.class).await();
            })
            .activity("Run", ctx -> {
                runs.add(ctx.getInput(String.class));
                return null;
            });

    @Test
    void twentyGenerations() throws Exception {
        String id = hub.start("Generations", new int[] {1, 20});
        OrchestrationMetadata state = hub.end(id, COMPLETED);
        assertEquals(20, state.readOutputAs(int.class));
        assertEquals("[20, 20]", Arrays.toString(state.readInputAs(int[].class)), "the input shown is that of the last generation");
        assertEquals(20, runs.of(id));
    }

    @Test
    void aThousandEventsFromFiftySendersAreNeitherLostNorDoubled() throws Exception {
        String id = hub.start("Collect", new Collected());
        var senders = Executors.newFixedThreadPool(SENDERS);
        try {
            List<Callable<Void>> work = new ArrayList<>();
            for (int sender = 0; sender < SENDERS; sender++) {
                String name = "s" + sender;
                work.add(() -> {
                    for (int number = 0; number < EACH; number++) {
                        hub.client().raiseEvent(id, "item", name + "-" + number);
                    }
                    return null;
                });
            }
            for (var done : senders.invokeAll(work)) {
                done.get();
            }
        } finally {
            senders.shutdownNow();
        }
        Collected state = hub.output(id, Collected.class);
        assertEquals(SENDERS * EACH, state.seen.size());
        assertEquals(SENDERS * EACH, new HashSet<>(state.seen).size(), "some events were seen twice");
        assertEquals(SENDERS * EACH / 25 - 1, state.generations);
    }

    @Test
    void withoutKeepingBufferedEventsAreDroppedAndLaterOnesArrive() throws Exception {
        String id = hub.start("Drops", 0);
        hub.client().raiseEvent(id, "buffered", 1);
        hub.client().raiseEvent(id, "go", null);
        Until.holds("the second generation", () -> "1".equals(hub.client().getInstanceMetadata(id, true).getSerializedInput()));
        hub.client().raiseEvent(id, "later", "this");
        assertEquals("dropped, then this", hub.output(id, String.class));
    }

    @Test
    void aChildInEachGeneration() throws Exception {
        assertEquals(IntStream.rangeClosed(1, 10).map(number -> number * 2).sum(),
                hub.run("ChildEach", new int[] {1, 0}, int.class));
    }

    @Test
    void aFailureInALaterGenerationFailsTheInstance() throws Exception {
        OrchestrationMetadata state = hub.end(hub.start("FailsThird", 1), FAILED);
        assertEquals("third generation", state.getFailureDetails().getErrorMessage());
        assertEquals(3, state.readInputAs(int.class));
    }

    @Test
    void resultsOfAnOldGenerationDoNotReachTheNewOne() throws Exception {
        String id = hub.start("LeavesWorkBehind", 0);
        Until.holds("the first generation's activity to run", () -> runs.of(id + "-first") == 1);
        Instant created = hub.client().getInstanceMetadata(id, false).getCreatedAt();
        hub.client().raiseEvent(id, "go", null);
        Until.holds("the second generation", () -> "1".equals(hub.client().getInstanceMetadata(id, true).getSerializedInput()));
        OrchestrationMetadata second = hub.client().getInstanceMetadata(id, true);
        assertEquals(RUNNING, second.getRuntimeStatus());
        assertEquals(created, second.getCreatedAt(), "it is the same instance to whoever lists it");
        // Past the old generation's timer, which a new generation with the same ids would take for its own.
        Until.stays(Duration.ofMillis(500), "running", () -> hub.status(id) == RUNNING);
        hub.client().raiseEvent(id, "finish", "clean");
        assertEquals("clean", hub.output(id, String.class));
        for (var event : hub.history(id)) {
            String type = event.get("EventType").asText();
            assertTrue(!type.equals("TimerFired") && !type.equals("TaskCompleted"), event::toString);
        }
    }
}
