package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.PENDING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.SUSPENDED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.NewOrchestrationInstanceOptions;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.OrchestrationRuntimeStatus;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeoutException;

/** Waiting for an instance, and instances that wait for their time or for a worker. */
class WaitsAndStartsTest {
    @RegisterExtension
    static final Hub hub = new Hub("waits")
            .orchestration("Now", ctx -> ctx.getCurrentInstant())
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await());

    /** Nobody serves this one, unless a test does. */
    @RegisterExtension
    static final Hub idle = new Hub("waits-idle").workers(0);

    private static final Functions late = new Functions()
            .orchestration("Collect", ctx -> {
                int sum = 0;
                for (int number = 0; number < 10; number++) {
                    sum = sum * 2 + ctx.waitForExternalEvent("item", int.class).await();
                }
                return sum;
            });

    private static NewOrchestrationInstanceOptions at(Instant time) {
        return new NewOrchestrationInstanceOptions().setInstanceId(Hub.newId("at")).setStartTime(time);
    }

    @Test
    void waitsGiveUpAtTheirTimeouts() {
        String running = hub.start("Waits", null);
        Instant before = Instant.now();
        assertThrows(TimeoutException.class, () -> hub.client().waitForInstanceCompletion(running, Duration.ofMillis(300), true));
        assertFalse(Duration.between(before, Instant.now()).toMillis() < 290);
        String pending = idle.start("Nobody", null);
        assertThrows(TimeoutException.class, () -> idle.client().waitForInstanceStart(pending, Duration.ofMillis(300)));
        assertEquals(PENDING, idle.status(pending));
    }

    @Test
    void aMissingInstanceIsNotFoundAtOnce() throws Exception {
        String missing = Hub.newId("nobody");
        assertFalse(hub.client().getInstanceMetadata(missing, true).isInstanceFound());
        assertFalse(hub.client().waitForInstanceStart(missing, Duration.ofSeconds(20)).isInstanceFound());
        assertFalse(hub.client().waitForInstanceCompletion(missing, Duration.ofSeconds(20), true).isInstanceFound());
    }

    @Test
    void manyWaitersSeeTheEnd() throws Exception {
        String id = hub.start("Waits", null);
        var waiters = java.util.stream.IntStream.range(0, 20).mapToObj(unused -> CompletableFuture.supplyAsync(() -> {
            try {
                return hub.client().waitForInstanceCompletion(id, Hub.PATIENCE, true).readOutputAs(String.class);
            } catch (TimeoutException error) {
                throw new IllegalStateException(error);
            }
        }, task -> new Thread(task).start())).toList();
        hub.awaitStatus(id, RUNNING);
        hub.client().raiseEvent(id, "go", "seen");
        for (var waiter : waiters) {
            assertEquals("seen", waiter.get());
        }
    }

    @Test
    void aWaitForAnEndedInstanceAnswersAtOnce() throws Exception {
        String id = hub.start("Now", null);
        hub.end(id, COMPLETED);
        assertEquals(COMPLETED, hub.client().waitForInstanceStart(id, Duration.ofSeconds(30)).getRuntimeStatus());
        assertEquals(COMPLETED, hub.client().waitForInstanceCompletion(id, Duration.ofSeconds(30), false).getRuntimeStatus());
    }

    @Test
    void aScheduledStartWaitsForItsTime() throws Exception {
        Instant due = Instant.now().plusMillis(1500);
        String id = hub.schedule("Now", at(due));
        Instant asked = Instant.now();
        OrchestrationRuntimeStatus early = hub.status(id);
        assertTrue(early == PENDING || !Instant.now().isBefore(due), () -> "early, and " + early);
        assertFalse(hub.output(id, Instant.class).isBefore(due.minusMillis(1)));
        assertFalse(hub.client().getInstanceMetadata(id, false).getCreatedAt().isAfter(asked), "created when it was asked for");
    }

    @Test
    void aStartInThePastMeansNow() throws Exception {
        assertFalse(hub.output(hub.schedule("Now", at(Instant.EPOCH)), Instant.class).isBefore(Instant.now().minusSeconds(40)));
    }

    @Test
    void aFarStartStaysPendingAndCanBeTerminatedOrSuspendedAtOnce() throws Exception {
        String id = hub.schedule("Now", at(Instant.now().plus(Duration.ofDays(3650))));
        Until.stays(Duration.ofMillis(200), "pending", () -> hub.status(id) == PENDING);
        assertEquals(0, hub.client().purgeInstance(id).getDeletedInstanceCount());
        hub.client().suspendInstance(id);
        hub.awaitStatus(id, SUSPENDED);
        hub.client().terminate(id, "not needed");
        assertEquals("not needed", hub.end(id, TERMINATED).readOutputAs(String.class));
    }

    @Test
    void eventsRaisedBeforeAnyWorkerComesAreKeptInOrder() throws Exception {
        String id = idle.start("Collect", null);
        int expected = 0;
        for (int number = 0; number < 10; number++) {
            idle.client().raiseEvent(id, "item", number);
            expected = expected * 2 + number;
        }
        assertEquals(PENDING, idle.status(id));
        try (RunningWorker worker = idle.startWorker(late)) {
            assertTrue(worker.alive());
            assertEquals(expected, idle.output(id, int.class));
        }
    }

    @Test
    void idsMayHoldAnyLettersAndAreCaseSensitive() throws Exception {
        String id = Hub.newId("Größe, mit Leerzeichen: ✓");
        OrchestrationMetadata state = hub.end(hub.client().scheduleNewOrchestrationInstance("Now", null, id), COMPLETED);
        assertEquals(id, state.getInstanceId());
        assertFalse(hub.client().getInstanceMetadata(id.toUpperCase(java.util.Locale.ROOT), false).isInstanceFound());
    }

    @Test
    void impossibleStartsAreRefused() {
        for (String id : new String[] {"@entity@key", "x".repeat(10_000), "line\nbreak", "a/b"}) {
            Assert.refused(Status.Code.INVALID_ARGUMENT, () -> hub.client().scheduleNewOrchestrationInstance("Now", null, id));
        }
        Assert.refused(Status.Code.INVALID_ARGUMENT, () -> hub.start("x".repeat(100_000), null));
    }
}
