package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.StringValue;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.RewindInstanceRequest;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.util.ArrayList;
import java.util.List;

/**
 * A failed orchestration takes up again where it failed. This SDK has the rpc in its stub only, and its worker refuses histories
 * that mention a rewind, so both sides are the server's work.
 */
class RewindTest {
    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("rewind")
            .orchestration("Steps", ctx -> {
                String id = ctx.getInstanceId();
                String good = ctx.callActivity("Flaky", new Object[] {id + "-good", 0}, String.class).await();
                String bad = ctx.callActivity("Flaky", new Object[] {id + "-bad", ctx.getInput(int.class)}, String.class).await();
                return good + bad;
            })
            .orchestration("FanOut", ctx -> {
                List<Task<String>> tasks = new ArrayList<>();
                for (int number = 0; number < 5; number++) {
                    tasks.add(ctx.callActivity("Flaky", new Object[] {ctx.getInstanceId() + number, number % 2}, String.class));
                }
                return ctx.allOf(tasks).await().size();
            })
            .orchestration("Parent", ctx ->
                    ctx.callSubOrchestrator("Steps", ctx.getInput(int.class), ctx.getInstanceId() + "-child", String.class).await())
            .orchestration("Grandparent", ctx ->
                    ctx.callSubOrchestrator("Parent", ctx.getInput(int.class), ctx.getInstanceId() + "-child", String.class).await())
            .orchestration("Throws", ctx -> {
                throw new IllegalStateException("run " + runs.add(ctx.getInstanceId()));
            })
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            // Fails as many times as its input says, by a key of its own.
            .activity("Flaky", ctx -> {
                Object[] input = ctx.getInput(Object[].class);
                if (runs.add((String) input[0]) <= (int) input[1]) {
                    throw new IllegalStateException("failure " + runs.of((String) input[0]));
                }
                return "ok";
            });

    private static void rewind(String id) {
        hub.stub().rewindInstance(RewindInstanceRequest.newBuilder().setInstanceId(id).setReason(StringValue.of("repaired")).build());
    }

    private static String failed(String orchestration, Object input) throws Exception {
        String id = hub.start(orchestration, input);
        hub.end(id, FAILED);
        return id;
    }

    @Test
    void aFailedActivityRunsAgainAndWhatWasDoneStays() throws Exception {
        String id = failed("Steps", 1);
        rewind(id);
        OrchestrationMetadata state = hub.end(id, COMPLETED);
        assertEquals("okok", state.readOutputAs(String.class));
        assertEquals("", state.getFailureDetails().getErrorType());
        assertArrayEquals(new int[] {1, 2}, new int[] {runs.of(id + "-good"), runs.of(id + "-bad")});
    }

    @Test
    void severalFailedActivitiesRunAgain() throws Exception {
        String id = failed("FanOut", null);
        rewind(id);
        assertEquals(5, hub.output(id, int.class));
        for (int number = 0; number < 5; number++) {
            assertEquals(1 + number % 2, runs.of(id + number), "runs of activity " + number);
        }
    }

    @Test
    void aFailedChildIsRewoundToo() throws Exception {
        String id = failed("Parent", 1);
        rewind(id);
        assertEquals("okok", hub.output(id, String.class));
        assertEquals(COMPLETED, hub.status(id + "-child"));
        assertEquals(1, runs.of(id + "-child-good"));
    }

    @Test
    void aFailedGrandchildIsRewoundToo() throws Exception {
        String id = failed("Grandparent", 1);
        rewind(id);
        assertEquals("okok", hub.output(id, String.class));
        assertEquals(1, runs.of(id + "-child-child-good"));
        assertEquals(2, runs.of(id + "-child-child-bad"));
    }

    @Test
    void aPurgedChildIsStartedAnew() throws Exception {
        String id = failed("Parent", 1);
        assertEquals(1, hub.client().purgeInstance(id + "-child").getDeletedInstanceCount());
        rewind(id);
        assertEquals("okok", hub.output(id, String.class));
        assertEquals(2, runs.of(id + "-child-good"));
    }

    @Test
    void whatFailsAgainCanBeRewoundAgain() throws Exception {
        String id = failed("Steps", 2);
        rewind(id);
        hub.end(id, FAILED);
        hub.stub().rewindInstance(RewindInstanceRequest.newBuilder().setInstanceId(id).build());
        assertEquals("okok", hub.output(id, String.class));
        assertArrayEquals(new int[] {1, 3}, new int[] {runs.of(id + "-good"), runs.of(id + "-bad")});
    }

    @Test
    void anOrchestratorThatThrewRunsAgain() throws Exception {
        String id = failed("Throws", null);
        rewind(id);
        Until.holds("the second run", () -> runs.of(id) == 2);
        assertEquals("run 2", hub.end(id, FAILED).getFailureDetails().getErrorMessage());
    }

    @Test
    void whatIsMissingOrHasNotFailedIsRefused() throws Exception {
        Assert.refused(Status.Code.NOT_FOUND, () -> rewind(Hub.newId("nobody")));
        String live = hub.start("Waits", null);
        hub.awaitStatus(live, RUNNING);
        Assert.refused(Status.Code.FAILED_PRECONDITION, () -> rewind(live));
        hub.client().raiseEvent(live, "go", "on");
        assertEquals("on", hub.output(live, String.class));
        Assert.refused(Status.Code.FAILED_PRECONDITION, () -> rewind(live));
        assertEquals("on", hub.output(live, String.class));
    }
}
