package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.RetryHandler;
import com.microsoft.durabletask.RetryPolicy;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskFailedException;
import com.microsoft.durabletask.TaskOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;

/** Failures, and what is done about them. */
class RetriesTest {
    static final Counts attempts = new Counts();

    private static TaskOptions upTo(int times) {
        return new TaskOptions(new RetryPolicy(times, Duration.ofMillis(20)));
    }

    private static TaskOptions handler(RetryHandler handler) {
        return new TaskOptions(handler);
    }

    @RegisterExtension
    static final Hub hub = new Hub("retries")
            .orchestration("ThirdTime", ctx -> ctx.callActivity("FailsTwice", ctx.getInstanceId(), upTo(3), int.class).await())
            .orchestration("Exhausted", ctx -> ctx.callActivity("FailsTwice", ctx.getInstanceId(), upTo(2), int.class).await())
            .orchestration("SideBySide", ctx -> {
                Task<Integer> one = ctx.callActivity("FailsTwice", ctx.getInstanceId() + "/1", upTo(3), Integer.class);
                Task<Integer> two = ctx.callActivity("FailsTwice", ctx.getInstanceId() + "/2", upTo(3), Integer.class);
                return ctx.allOf(List.of(one, two)).await();
            })
            .orchestration("Backoff", ctx -> {
                RetryPolicy policy = new RetryPolicy(3, Duration.ofMillis(150)).setBackoffCoefficient(2.0)
                        .setMaxRetryInterval(Duration.ofMillis(400));
                return ctx.callActivity("FailsTwice", ctx.getInstanceId(), new TaskOptions(policy), int.class).await();
            })
            .orchestration("TooLate", ctx -> {
                RetryPolicy policy = new RetryPolicy(1000, Duration.ofMillis(500)).setRetryTimeout(Duration.ofSeconds(3));
                return ctx.callActivity("AlwaysFails", ctx.getInstanceId(), new TaskOptions(policy), int.class).await();
            })
            .orchestration("Handler", ctx -> ctx.callActivity("FailsTwice", ctx.getInstanceId(), handler(retry -> {
                assertEquals(IllegalStateException.class.getName(), retry.getLastFailure().getErrorType());
                // A handler makes its own pauses, with the orchestration's timers.
                retry.getOrchestrationContext().createTimer(Duration.ofMillis(20)).await();
                return retry.getLastAttemptNumber() < 5;
            }), int.class).await())
            .orchestration("HandlerGivesUp", ctx -> ctx.callActivity("AlwaysFails", ctx.getInstanceId(),
                    handler(retry -> !retry.getLastFailure().getErrorMessage().contains("attempt 4")), int.class).await())
            .orchestration("RetriesChild", ctx -> {
                String id = ctx.getInstanceId();
                return ctx.callSubOrchestrator("FailingChild", id, id + "-child", upTo(3), int.class).await();
            })
            .orchestration("FailingChild", ctx -> ctx.callActivity("FailsTwice", ctx.getInput(String.class), int.class).await())
            .orchestration("Catches", ctx -> {
                try {
                    return ctx.callActivity("AlwaysFails", ctx.getInstanceId(), String.class).await();
                } catch (TaskFailedException error) {
                    var details = error.getErrorDetails();
                    return String.join("|", error.getTaskName(), details.getErrorType(), details.getErrorMessage(),
                            String.valueOf(details.getStackTrace().contains("RetriesTest")));
                }
            })
            .orchestration("Throws", ctx -> {
                throw new UnsupportedOperationException("not like this");
            })
            .activity("FailsTwice", ctx -> failUntil(ctx.getInput(String.class), 3))
            .activity("AlwaysFails", ctx -> failUntil(ctx.getInput(String.class), Integer.MAX_VALUE));

    private static int failUntil(String key, int good) {
        int attempt = attempts.add(key, Instant.now());
        if (attempt < good) {
            throw new IllegalStateException("attempt " + attempt);
        }
        return attempt;
    }

    @Test
    void anActivitySucceedsOnItsThirdAttempt() throws Exception {
        String id = hub.start("ThirdTime", null);
        assertEquals(3, hub.output(id, int.class));
        assertEquals(3, attempts.of(id));
    }

    @Test
    void exhaustedRetriesFailWithTheLastFailure() throws Exception {
        String id = hub.start("Exhausted", null);
        OrchestrationMetadata state = hub.end(id, FAILED);
        assertTrue(state.getFailureDetails().getErrorMessage().contains("attempt 2"), state.getFailureDetails().getErrorMessage());
        assertEquals(2, attempts.of(id));
    }

    @Test
    void twoActivitiesAreRetriedSideBySide() throws Exception {
        assertEquals("[3, 3]", Arrays.toString(hub.run("SideBySide", null, int[].class)));
    }

    @Test
    void pausesGrowUpToTheirMaximum() throws Exception {
        String id = hub.start("Backoff", null);
        hub.output(id, int.class);
        // This SDK multiplies before the first pause already: 150 ms * 2, then 150 ms * 4 cut to 400 ms.
        List<Instant> times = attempts.list(id).stream().map(Instant.class::cast).toList();
        assertTrue(Duration.between(times.get(0), times.get(1)).toMillis() >= 295, times::toString);
        assertTrue(Duration.between(times.get(1), times.get(2)).toMillis() >= 395, times::toString);
    }

    @Test
    void retriesEndWithTheirTimeout() throws Exception {
        String id = hub.start("TooLate", null);
        hub.end(id, FAILED);
        assertTrue(attempts.of(id) > 1 && attempts.of(id) < 10, () -> attempts.of(id) + " attempts");
    }

    @Test
    void aHandlerDecidesAndMakesPauses() throws Exception {
        String id = hub.start("Handler", null);
        assertEquals(3, hub.output(id, int.class));
        assertEquals(3, attempts.of(id));
    }

    @Test
    void aHandlerThatGivesUpEndsTheRetries() throws Exception {
        String id = hub.start("HandlerGivesUp", null);
        hub.end(id, FAILED);
        assertEquals(4, attempts.of(id));
    }

    @Test
    void aChildIsRetriedUnderTheSameId() throws Exception {
        String id = hub.start("RetriesChild", null);
        assertEquals(3, hub.output(id, int.class));
        assertEquals(3, hub.client().getInstanceMetadata(id + "-child", true).readOutputAs(int.class));
    }

    @Test
    void failureDetailsCarryTypeMessageAndStack() throws Exception {
        assertEquals("AlwaysFails|java.lang.IllegalStateException|attempt 1|true", hub.run("Catches", null, String.class));
    }

    @Test
    void anOrchestratorThatThrowsFailsWithDetailsAlsoWithoutPayloads() throws Exception {
        String id = hub.start("Throws", null);
        hub.end(id, FAILED);
        var details = hub.client().getInstanceMetadata(id, false).getFailureDetails();
        assertEquals("java.lang.UnsupportedOperationException", details.getErrorType());
        assertEquals("not like this", details.getErrorMessage());
        assertTrue(details.getStackTrace().contains("RetriesTest"), details.getStackTrace());
    }
}
