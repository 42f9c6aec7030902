package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.SUSPENDED;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import com.microsoft.durabletask.Task;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;

/** Standing still, and going on. */
class SuspendResumeTest {
    static final Gate gate = new Gate();
    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("suspend")
            .workers(2)
            .orchestration("Collect", ctx -> {
                int[] seen = new int[ctx.getInput(int.class)];
                for (int number = 0; number < seen.length; number++) {
                    seen[number] = ctx.waitForExternalEvent("item", int.class).await();
                }
                return seen;
            })
            .orchestration("Gated", ctx -> {
                String first = ctx.callActivity("AtTheGate", ctx.getInstanceId(), String.class).await();
                return first + ctx.callActivity("Run", ctx.getInstanceId() + "-second", int.class).await();
            })
            .orchestration("Sleeps", ctx -> {
                ctx.createTimer(Duration.ofMillis(ctx.getInput(int.class))).await();
                return "awake";
            })
            .orchestration("Load", ctx -> {
                int sum = 0;
                for (int round = 0; round < 4; round++) {
                    List<Task<Integer>> tasks = new ArrayList<>();
                    for (int number = 0; number < 5; number++) {
                        tasks.add(ctx.callActivity("Run", ctx.getInstanceId() + "-" + round + "-" + number, Integer.class));
                    }
                    sum += ctx.allOf(tasks).await().stream().mapToInt(Integer::intValue).sum();
                }
                if (ctx.getInput(boolean.class)) {
                    ctx.waitForExternalEvent("end").await();
                }
                return sum;
            })
            .activity("AtTheGate", ctx -> {
                gate.pass(ctx.getInput(String.class));
                return "through ";
            })
            .activity("Run", ctx -> runs.add(ctx.getInput(String.class)));

    private static String suspended(String orchestration, Object input) throws Exception {
        String id = hub.start(orchestration, input);
        hub.client().waitForInstanceStart(id, Hub.PATIENCE);
        hub.client().suspendInstance(id, "a pause");
        hub.awaitStatus(id, SUSPENDED);
        return id;
    }

    @Test
    void eventsAreHeldAndKeepTheirOrder() throws Exception {
        String id = hub.start("Collect", 30);
        hub.client().waitForInstanceStart(id, Hub.PATIENCE);
        IntStream.range(0, 10).forEach(number -> hub.client().raiseEvent(id, "item", number));
        hub.client().suspendInstance(id);
        hub.awaitStatus(id, SUSPENDED);
        IntStream.range(10, 30).forEach(number -> hub.client().raiseEvent(id, "item", number));
        Until.stays(Duration.ofMillis(300), "suspended", () -> hub.status(id) == SUSPENDED);
        hub.client().resumeInstance(id);
        assertArrayEquals(IntStream.range(0, 30).toArray(), hub.output(id, int[].class));
    }

    @Test
    void resumingShowsRunningAgain() throws Exception {
        String id = suspended("Collect", 1);
        hub.client().resumeInstance(id, "go on");
        hub.awaitStatus(id, RUNNING);
        hub.client().raiseEvent(id, "item", 5);
        assertArrayEquals(new int[] {5}, hub.output(id, int[].class));
    }

    @Test
    void anActivitysResultWaitsForTheResume() throws Exception {
        String id = hub.start("Gated", null);
        gate.awaitEntered(id);
        hub.client().suspendInstance(id, null);
        hub.awaitStatus(id, SUSPENDED);
        gate.open(id);
        Until.stays(Duration.ofMillis(400), "nothing new begun", () -> runs.of(id + "-second") == 0);
        assertEquals(SUSPENDED, hub.status(id));
        hub.client().resumeInstance(id, null);
        assertEquals("through 1", hub.output(id, String.class));
    }

    @Test
    void aTimerThatFallsDueWaitsForTheResume() throws Exception {
        // On a machine that stalls the suspension can come too late; then it tries again with a longer timer.
        for (int time : new int[] {1000, 4000, 10_000}) {
            Instant due = Instant.now().plusMillis(time);
            String id = hub.start("Sleeps", time);
            hub.client().waitForInstanceStart(id, Hub.PATIENCE);
            hub.client().suspendInstance(id, "a pause");
            Until.holds(id + " to stand", () -> hub.status(id) == SUSPENDED || hub.status(id) == COMPLETED);
            if (Instant.now().isBefore(due)) {
                Until.stays(Duration.ofMillis(time + 400), "suspended", () -> hub.status(id) == SUSPENDED);
                hub.client().resumeInstance(id);
                assertEquals("awake", hub.output(id, String.class));
                return;
            }
        }
        fail("never suspended in time");
    }

    @Test
    void underLoadNothingIsLostOrDoneTwice() throws Exception {
        // The first one cannot have ended before the last suspension.
        List<String> ids = IntStream.range(0, 15).mapToObj(number -> hub.start("Load", number == 0)).toList();
        for (int round = 0; round < 3; round++) {
            ids.forEach(id -> hub.client().suspendInstance(id, "round"));
            ids.forEach(id -> hub.client().resumeInstance(id, "round"));
        }
        ids.forEach(id -> hub.client().suspendInstance(id, "the last one"));
        for (String id : ids) {
            Until.holds(id + " to stand", () -> hub.status(id) == SUSPENDED || hub.status(id) == COMPLETED);
        }
        hub.awaitStatus(ids.get(0), SUSPENDED);
        hub.client().raiseEvent(ids.get(0), "end");
        ids.forEach(id -> hub.client().resumeInstance(id, "and on"));
        for (String id : ids) {
            assertEquals(20, hub.output(id, int.class), "an activity ran twice: each run adds to its own count");
        }
    }

    @Test
    void whatIsDoneTwiceCountsOnce() throws Exception {
        String id = suspended("Collect", 1);
        hub.client().suspendInstance(id, "again");
        hub.client().resumeInstance(id);
        hub.awaitStatus(id, RUNNING);
        hub.client().resumeInstance(id);
        hub.client().raiseEvent(id, "item", 1);
        assertArrayEquals(new int[] {1}, hub.output(id, int[].class));
    }

    @Test
    void theWaitForTheEndOutlivesASuspension() throws Exception {
        String id = suspended("Collect", 1);
        assertThrows(TimeoutException.class, () -> hub.client().waitForInstanceCompletion(id, Duration.ofMillis(200), false));
        assertEquals(SUSPENDED, hub.client().waitForInstanceStart(id, Duration.ofSeconds(30)).getRuntimeStatus());
        hub.client().raiseEvent(id, "item", 1);
        hub.client().resumeInstance(id);
        hub.output(id, int[].class);
    }

    @Test
    void aMissingInstanceIsRefusedAndAnEndedOneStaysEnded() throws Exception {
        String missing = Hub.newId("nobody");
        Assert.refused(Status.Code.NOT_FOUND, () -> hub.client().suspendInstance(missing));
        Assert.refused(Status.Code.NOT_FOUND, () -> hub.client().resumeInstance(missing));
        String id = hub.start("Sleeps", 0);
        hub.output(id, String.class);
        hub.client().suspendInstance(id, "too late");
        hub.client().resumeInstance(id, "too late");
        assertEquals(COMPLETED, hub.status(id));
    }
}
