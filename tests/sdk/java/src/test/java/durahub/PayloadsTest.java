package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.TaskFailedException;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** Inputs, outputs, and how large they may be. */
class PayloadsTest {
    /** The server's default, in bytes of JSON text; two are the quotes around a string. */
    private static final int LIMIT = 3 * 1024 * 1024;
    private static final int LONGEST = LIMIT - 2;

    @RegisterExtension
    static final Hub hub = new Hub("payloads")
            .orchestration("Everywhere", ctx -> {
                Object value = ctx.getInput(Object.class);
                ctx.setCustomStatus(value);
                Object passed = ctx.callActivity("Echo", value, Object.class).await();
                Object child = ctx.callSubOrchestrator("Child", passed, Object.class).await();
                return ctx.waitForExternalEvent("again", Object.class).thenApply(event -> {
                    if (!String.valueOf(event).equals(String.valueOf(child))) {
                        throw new IllegalStateException(event + " is not " + child);
                    }
                    return event;
                }).await();
            })
            .orchestration("Child", ctx -> ctx.getInput(Object.class))
            .orchestration("Length", ctx -> ctx.getInput(String.class).length())
            .orchestration("LengthOfEvent", ctx -> ctx.waitForExternalEvent("text", String.class).await().length())
            .orchestration("Makes", ctx -> "x".repeat(ctx.getInput(int.class)))
            .orchestration("GivesActivity", ctx -> ctx.callActivity("Length", "x".repeat(ctx.getInput(int.class)), int.class).await())
            .orchestration("TakesFromActivity", ctx -> {
                try {
                    return ctx.callActivity("Makes", ctx.getInput(int.class), String.class).await().length();
                } catch (TaskFailedException error) {
                    return error.getErrorDetails().getErrorType() + ": " + error.getErrorDetails().getErrorMessage();
                }
            })
            .orchestration("Piles", ctx -> {
                for (int round = 0; round < 10; round++) {
                    ctx.callActivity("Makes", 1_000_000, String.class).await();
                }
                return "never";
            })
            .activity("Echo", ctx -> ctx.getInput(Object.class))
            .activity("Length", ctx -> ctx.getInput(String.class).length())
            .activity("Makes", ctx -> "x".repeat(ctx.getInput(int.class)));

    static Stream<Object> values() {
        return Stream.of(
                "", "text", "ünïcödé ✓ 漢字 🎉", "quote \" backslash \\ tab \t newline \n nul \u0000 end", "null",
                0, -1.5, Long.MAX_VALUE, true, List.of(), Map.of(),
                Map.of("list", List.of(1, "two", List.of()), "ключ", Map.of("deep", Map.of("er", false))));
    }

    @ParameterizedTest
    @MethodSource("values")
    void aValueSurvivesEveryWay(Object value) throws Exception {
        String id = hub.start("Everywhere", value);
        hub.client().raiseEvent(id, "again", value);
        OrchestrationMetadata state = hub.end(id, COMPLETED);
        assertEquals(value, state.readInputAs(Object.class));
        assertEquals(value, state.readOutputAs(Object.class));
        assertEquals(value, state.readCustomStatusAs(Object.class));
    }

    @Test
    void nothingStaysNothing() throws Exception {
        String id = hub.start("Everywhere", null);
        hub.client().raiseEvent(id, "again", null);
        OrchestrationMetadata state = hub.end(id, COMPLETED);
        assertNull(state.readInputAs(Object.class));
        assertNull(state.readOutputAs(Object.class));
        assertEquals("", state.getSerializedOutput());
    }

    @Test
    void theLargestPayloadPassesEveryWay() throws Exception {
        String longest = "x".repeat(LONGEST);
        assertEquals(LONGEST, hub.run("Length", longest, int.class), "input");
        assertEquals(LONGEST, hub.run("Makes", LONGEST, String.class).length(), "output");
        assertEquals(LONGEST, hub.run("GivesActivity", LONGEST, int.class), "input of an activity");
        assertEquals(String.valueOf(LONGEST), hub.run("TakesFromActivity", LONGEST, String.class), "result of an activity");
        String id = hub.start("LengthOfEvent", null);
        hub.client().raiseEvent(id, "text", longest);
        assertEquals(LONGEST, hub.output(id, int.class), "event");
    }

    @Test
    void sizesAreCountedInBytes() throws Exception {
        String text = "ä".repeat(LIMIT / 2 - 1);
        assertEquals(text.length(), hub.run("Length", text, int.class));
        tooLarge(Assert.refused(Status.Code.RESOURCE_EXHAUSTED, () -> hub.start("Length", text + "ä")), LIMIT + 2);
    }

    @Test
    void whatTheClientSendsBeyondTheLimitIsRefused() throws Exception {
        String over = "x".repeat(LONGEST + 1);
        tooLarge(Assert.refused(Status.Code.RESOURCE_EXHAUSTED, () -> hub.start("Length", over)), LIMIT + 1);
        String id = hub.start("LengthOfEvent", null);
        tooLarge(Assert.refused(Status.Code.RESOURCE_EXHAUSTED, () -> hub.client().raiseEvent(id, "text", over)), LIMIT + 1);
        tooLarge(Assert.refused(Status.Code.RESOURCE_EXHAUSTED, () -> hub.client().terminate(id, over)), LIMIT + 1);
        hub.client().terminate(id, "shorter");
        hub.end(id, TERMINATED);
    }

    @Test
    void whatAWorkerMakesBeyondTheLimitFailsWithAReason() throws Exception {
        String result = hub.run("TakesFromActivity", LONGEST + 1, String.class);
        assertTrue(result.startsWith("PayloadTooLargeError: "), result);
        tooLarge(result, LIMIT + 1);
        for (String orchestration : List.of("Makes", "GivesActivity")) {
            var details = hub.end(hub.start(orchestration, LONGEST + 1), FAILED).getFailureDetails();
            assertEquals("PayloadTooLargeError", details.getErrorType(), orchestration);
            tooLarge(details.getErrorMessage(), LIMIT + 1);
        }
    }

    @Test
    void aHistoryBeyondWhatAWorkerCanReceiveFailsAndTheWorkerGoesOn() throws Exception {
        var details = hub.end(hub.start("Piles", null), FAILED).getFailureDetails();
        assertEquals("HistoryTooLargeError", details.getErrorType());
        assertEquals(3, hub.run("Length", "abc", int.class));
    }

    private static void tooLarge(String message, int size) {
        assertTrue(message.contains("is " + size + " bytes long; the limit is " + LIMIT + " (setting limits.payload_bytes)"), message);
    }
}
