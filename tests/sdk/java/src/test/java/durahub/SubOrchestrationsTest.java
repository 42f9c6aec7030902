package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskFailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Orchestrations that start others. */
class SubOrchestrationsTest {
    @RegisterExtension
    static final Hub hub = new Hub("children")
            .orchestration("Nested", ctx -> {
                int depth = ctx.getInput(int.class);
                int below = depth == 0 ? 0 : ctx.callSubOrchestrator("Nested", depth - 1, int.class).await();
                return ctx.callActivity("PlusOne", below, int.class).await();
            })
            .orchestration("TenChildren", ctx -> {
                List<Task<Integer>> children = new ArrayList<>();
                for (int number = 0; number < 10; number++) {
                    children.add(ctx.callSubOrchestrator("Nested", 1, Integer.class));
                }
                return ctx.allOf(children).await().stream().mapToInt(Integer::intValue).sum();
            })
            .orchestration("Named", ctx -> ctx.callSubOrchestrator("Echo", "hello", ctx.getInput(String.class), String.class).await())
            .orchestration("Echo", ctx -> ctx.getInput(String.class))
            .orchestration("Throws", ctx -> {
                throw new IllegalStateException("no luck: " + ctx.getInput(String.class));
            })
            .orchestration("Catches", ctx -> {
                try {
                    return ctx.callSubOrchestrator("Throws", "caught", String.class).await();
                } catch (TaskFailedException error) {
                    var details = error.getErrorDetails();
                    return String.join("|", error.getTaskName(), details.getErrorType(), details.getErrorMessage());
                }
            })
            .orchestration("DoesNotCatch", ctx -> ctx.callSubOrchestrator("Throws", "uncaught", String.class).await())
            .orchestration("WaitsForChild", ctx -> {
                try {
                    return ctx.callSubOrchestrator("WaitsForEvent", null, ctx.getInput(String.class), String.class).await();
                } catch (TaskFailedException error) {
                    return error.getErrorDetails().getErrorType() + "|" + error.getErrorDetails().getErrorMessage();
                }
            })
            .orchestration("WaitsForEvent", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            .activity("PlusOne", ctx -> ctx.getInput(int.class) + 1);

    @Test
    void aChildsResultReachesItsParent() throws Exception {
        String child = Hub.newId("child");
        assertEquals("hello", hub.run("Named", child, String.class));
        OrchestrationMetadata state = hub.client().getInstanceMetadata(child, true);
        assertEquals(COMPLETED, state.getRuntimeStatus());
        assertEquals("hello", state.readInputAs(String.class));
        assertEquals("Echo", state.getName());
    }

    @Test
    void fourLevelsDeep() throws Exception {
        assertEquals(4, hub.run("Nested", 3, int.class));
    }

    @Test
    void tenChildrenAtOnce() throws Exception {
        assertEquals(20, hub.run("TenChildren", null, int.class));
    }

    @Test
    void aChildsFailureCanBeCaughtWithItsDetails() throws Exception {
        assertEquals("Throws|java.lang.IllegalStateException|no luck: caught", hub.run("Catches", null, String.class));
    }

    @Test
    void anUncaughtFailureOfAChildFailsItsParent() throws Exception {
        OrchestrationMetadata state = hub.end(hub.start("DoesNotCatch", null), FAILED);
        assertTrue(state.getFailureDetails().isCausedBy(TaskFailedException.class), state.getFailureDetails().getErrorType());
        assertTrue(state.getFailureDetails().getErrorMessage().contains("no luck: uncaught"),
                state.getFailureDetails().getErrorMessage());
    }

    @Test
    void anUnregisteredChildFailsItsTask() throws Exception {
        var functions = new Functions().orchestration("CallsMissing", ctx ->
                ctx.callSubOrchestrator("Missing", null, String.class).await());
        // The only worker of its hub, so that nobody else answers for the missing one.
        Hub alone = new Hub("children-alone", hub.server(), functions);
        try {
            OrchestrationMetadata state = alone.end(alone.start("CallsMissing", null), FAILED);
            assertTrue(state.getFailureDetails().isCausedBy(TaskFailedException.class), state.getFailureDetails().getErrorType());
        } finally {
            alone.close();
        }
    }

    @Test
    void theIdOfAnEndedChildIsUsedAgain() throws Exception {
        String child = Hub.newId("child");
        assertEquals("hello", hub.run("Named", child, String.class));
        assertEquals("hello", hub.run("Named", child, String.class));
    }

    @Test
    void theIdOfALiveInstanceFailsTheTaskAndLeavesTheOtherAlone() throws Exception {
        String taken = hub.start("WaitsForEvent", null);
        hub.awaitStatus(taken, RUNNING);
        assertTrue(hub.run("WaitsForChild", taken, String.class).startsWith("OrchestrationAlreadyExistsError|"));
        hub.client().raiseEvent(taken, "go", "still here");
        assertEquals("still here", hub.output(taken, String.class));
    }

    @Test
    void terminatingAChildFailsItsParentsTaskWithTheReason() throws Exception {
        String child = Hub.newId("child");
        String parent = hub.start("WaitsForChild", child);
        hub.awaitStatus(child, RUNNING);
        hub.client().terminate(child, "enough");
        hub.end(child, TERMINATED);
        String seen = hub.output(parent, String.class);
        assertTrue(seen.startsWith("OrchestrationTerminatedError|") && seen.contains("enough"), seen);
    }

    @Test
    void anEventReachesAChildByItsId() throws Exception {
        String child = Hub.newId("child");
        String parent = hub.start("WaitsForChild", child);
        hub.awaitStatus(child, RUNNING);
        hub.client().raiseEvent(child, "go", "hi");
        assertEquals("hi", hub.output(parent, String.class));
        assertEquals(List.of(COMPLETED, COMPLETED), Arrays.asList(hub.status(child), hub.status(parent)));
    }
}
