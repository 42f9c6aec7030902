package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskOrchestrationContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Time that passes. */
class TimersTest {
    @RegisterExtension
    static final Hub hub = new Hub("timers")
            .orchestration("Sleep", ctx -> sleep(ctx, Duration.ofMillis(ctx.getInput(long.class))))
            .orchestration("SleepUntil", ctx -> {
                ZonedDateTime due = ZonedDateTime.parse(ctx.getInput(String.class));
                ctx.createTimer(due).await();
                return ctx.getCurrentInstant().isBefore(due.toInstant()) ? "early" : "in time";
            })
            .orchestration("InARow", ctx -> {
                List<Instant> times = new ArrayList<>();
                for (int round = 0; round < 4; round++) {
                    ctx.createTimer(Duration.ofMillis(50)).await();
                    times.add(ctx.getCurrentInstant());
                }
                return times;
            })
            .orchestration("Punctual", ctx -> {
                int early = 0;
                for (int round = 0; round < ctx.getInput(int.class); round++) {
                    Instant due = ctx.getCurrentInstant().plusMillis(5);
                    ctx.createTimer(Duration.ofMillis(5)).await();
                    early += ctx.getCurrentInstant().isAfter(due) ? 0 : 1;
                }
                return early;
            })
            .orchestration("Fifty", ctx -> {
                List<Task<Void>> timers = new ArrayList<>();
                for (int number = 0; number < 50; number++) {
                    timers.add(ctx.createTimer(Duration.ofMillis(number * 7)));
                }
                return ctx.allOf(timers).await().size();
            })
            .orchestration("Race", ctx -> {
                Task<String> event = ctx.waitForExternalEvent("go", String.class);
                Task<Void> timer = ctx.createTimer(Duration.ofDays(1));
                return ctx.anyOf(event, timer).await() == event ? event.await() : "timer";
            })
            .orchestration("LostRace", ctx -> {
                Task<String> event = ctx.waitForExternalEvent("go", String.class);
                Task<Void> timer = ctx.createTimer(Duration.ofMillis(100));
                return ctx.anyOf(timer, event).await() == event ? "event" : "timer";
            });

    /** The orchestration's own time that went by, in milliseconds. */
    private static long sleep(TaskOrchestrationContext ctx, Duration time) {
        Instant due = ctx.getCurrentInstant().plus(time);
        ctx.createTimer(time).await();
        if (ctx.getCurrentInstant().isBefore(due)) {
            throw new IllegalStateException("woken at " + ctx.getCurrentInstant() + ", due " + due);
        }
        return Duration.between(due.minus(time), ctx.getCurrentInstant()).toMillis();
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -3_600_000})
    void aTimerForNowOrThePastFiresAtOnce(long milliseconds) throws Exception {
        assertTrue(hub.run("Sleep", milliseconds, long.class) < 30_000);
    }

    @Test
    void aTimerOfOneSecondFiresAfterOneSecond() throws Exception {
        Instant before = Instant.now();
        assertTrue(hub.run("Sleep", 1000, long.class) >= 1000);
        assertFalse(Duration.between(before, Instant.now()).toMillis() < 1000);
    }

    @Test
    void theTurnOfATimerIsLaterThanTheTimerInTheClockOfTheSdk() throws Exception {
        // This SDK reads times in whole milliseconds, and where it is woken in the very millisecond it asked for, it takes that for
        // early and sets the same timer once more.
        String id = hub.start("Punctual", 60);
        assertEquals(0, hub.output(id, int.class), "times woken no later than asked for");
        assertEquals(60, timersIn(hub, id), "timers");
    }

    @Test
    void aPointInTimeOfAnotherZoneIsUnderstood() throws Exception {
        // In whole milliseconds, like every time that this SDK shows to an orchestrator.
        ZonedDateTime due = ZonedDateTime.now(ZoneId.of("Asia/Kolkata")).plus(Duration.ofMillis(300)).truncatedTo(ChronoUnit.MILLIS);
        String id = hub.start("SleepUntil", due.toOffsetDateTime().toString());
        assertEquals("in time", hub.output(id, String.class));
        assertFalse(Instant.now().isBefore(due.toInstant()));
    }

    @Test
    void timersInARowMoveTimeForward() throws Exception {
        List<Instant> times = Arrays.asList(hub.run("InARow", null, Instant[].class));
        for (int round = 1; round < times.size(); round++) {
            assertTrue(Duration.between(times.get(round - 1), times.get(round)).toMillis() >= 50, times::toString);
        }
    }

    @Test
    void fiftyTimersAtOnce() throws Exception {
        assertEquals(50, hub.run("Fifty", null, int.class));
    }

    @Test
    void anEventEndsTheRaceWithALongTimer() throws Exception {
        String id = hub.start("Race", null);
        hub.client().waitForInstanceStart(id, Hub.PATIENCE);
        hub.client().raiseEvent(id, "go", "the event");
        assertEquals("the event", hub.output(id, String.class));
    }

    @Test
    void aTimerEndsTheRaceWithAnEventThatDoesNotCome() throws Exception {
        assertEquals("timer", hub.run("LostRace", null, String.class));
    }

    @Test
    void aLongTimerInPiecesKeepsItsTime() throws Exception {
        // The SDK cuts timers into pieces of three days; a worker with pieces of 400 ms shows the same in no time. Waiting for such
        // a timer ends with its first piece, so the end to look at is that of the orchestration, which is held by the last one.
        var functions = new Functions().uncompleted("Pieces", ctx -> ctx.createTimer(Duration.ofMillis(3500)).await());
        Hub alone = new Hub("timers-in-pieces", hub.server(), functions,
                builder -> builder.maximumTimerInterval(Duration.ofMillis(400)));
        try {
            String id = alone.start("Pieces", null);
            OrchestrationMetadata state = alone.end(id, COMPLETED);
            Duration took = Duration.between(state.getCreatedAt(), state.getLastUpdatedAt());
            assertTrue(took.toMillis() >= 3500, () -> "woken after " + took);
            int pieces = timersIn(alone, id);
            assertTrue(pieces >= 2, () -> pieces + " pieces");
        } finally {
            alone.close();
        }
    }

    private static int timersIn(Hub of, String id) {
        int timers = 0;
        for (var event : of.history(id)) {
            timers += event.get("EventType").asText().equals("TimerFired") ? 1 : 0;
        }
        return timers;
    }
}
