package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/** The server goes and comes back while a worker is attached. The worker tries again every five seconds, by itself. */
class ServerRestartTest {
    private static final int INSTANCES = 20;
    private static final int STEPS = 8;

    private final Counts runs = new Counts();
    /** The worker waits here in the middle of its work, until the server has been told to go. */
    private final Gate gate = new Gate();

    private Functions functions() {
        return new Functions()
                .orchestration("Steps", ctx -> {
                    int sum = 0;
                    for (int step = 0; step < STEPS; step++) {
                        sum += ctx.callActivity("Step", new Object[] {ctx.getInstanceId(), step}, int.class).await();
                    }
                    return sum;
                })
                .orchestration("Sleeps", ctx -> {
                    ctx.createTimer(Duration.ofMillis(500)).await();
                    return "awake";
                })
                .orchestration("Waits", ctx -> {
                    String heard = ctx.waitForExternalEvent("go", String.class).await();
                    return heard + ctx.waitForExternalEvent("go", String.class).await();
                })
                .activity("Step", ctx -> {
                    Object[] input = ctx.getInput(Object[].class);
                    runs.add(input[0] + "-" + input[1]);
                    if (runs.add("all") == INSTANCES * STEPS / 4) {
                        gate.pass("middle");
                    }
                    return (int) input[1];
                });
    }

    @Test
    void sigtermLosesNothing() throws Exception {
        withServer("restart-sigterm", server -> assertEquals(0, server.terminate(() -> gate.open("middle"))));
    }

    @Test
    void killLosesNothing() throws Exception {
        withServer("restart-kill", server -> {
            server.kill();
            gate.open("middle");
        });
    }

    private interface End {
        void of(Server server);
    }

    private void withServer(String name, End end) throws Exception {
        try (Server server = Server.inNewDirectory().start()) {
            Hub hub = new Hub(name, server, functions());
            try {
                String waits = hub.start("Waits", null);
                hub.awaitStatus(waits, RUNNING);
                hub.client().raiseEvent(waits, "go", "before, ");
                String sleeps = hub.start("Sleeps", null);
                List<String> ids = IntStream.range(0, INSTANCES).mapToObj(unused -> hub.start("Steps", null)).toList();
                gate.awaitEntered("middle");
                end.of(server);
                int before = runs.of("all");
                assertTrue(before < INSTANCES * STEPS, "everything had run before the server ended");
                server.start();

                Until.holds("the client to reach the server again", () -> {
                    try {
                        hub.client().raiseEvent(waits, "go", "after");
                        return true;
                    } catch (StatusRuntimeException error) {
                        assertEquals(Status.Code.UNAVAILABLE, error.getStatus().getCode());
                        return false;
                    }
                });
                for (String id : ids) {
                    assertEquals(IntStream.range(0, STEPS).sum(), hub.output(id, int.class));
                }
                assertEquals("before, after", hub.output(waits, String.class));
                assertEquals("awake", hub.output(sleeps, String.class));
                // Only the step that the worker was at when the server went may have run once more.
                int all = runs.of("all");
                assertTrue(all <= INSTANCES * STEPS + 1, () -> all + " steps run for " + INSTANCES * STEPS);
            } finally {
                hub.close();
            }
        }
    }
}
