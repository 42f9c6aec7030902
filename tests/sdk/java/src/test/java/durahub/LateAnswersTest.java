package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.SUSPENDED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * This SDK returns no completion tokens: its answers name an instance, and the number of an activity. An answer to work that the
 * server has taken back must not be taken for an answer to what somebody else holds now.
 */
class LateAnswersTest {
    static final Counts visits = new Counts();
    static final Gate gate = new Gate();

    @RegisterExtension
    static final Hub hub = new Hub("late-answers")
            .workers(0)
            .orchestration("TwoEvents", ctx -> {
                String first = ctx.waitForExternalEvent("item", String.class).await();
                // Every time this line is reached has a gate of its own, so that two workers can hold two deliveries of a turn.
                visit(ctx.getInstanceId());
                return first + " " + ctx.waitForExternalEvent("item", String.class).await();
            })
            .orchestration("Nothing", ctx -> null)
            .orchestration("Holds", ctx -> {
                gate.pass(ctx.getInstanceId());
                return null;
            })
            .orchestration("Fills", ctx -> ctx.allOf(List.of(
                    ctx.callActivity("Idle"), ctx.callActivity("Idle"), ctx.callActivity("Idle"))).await())
            .activity("Idle", ctx -> null)
            .orchestration("TwoGenerations", ctx -> {
                String generation = ctx.getInput(String.class);
                var answer = ctx.callActivity("Visit", new String[] {ctx.getInstanceId(), generation}, String.class);
                if (generation.equals("old")) {
                    ctx.waitForExternalEvent("go").await();
                    ctx.continueAsNew("new");
                }
                return answer.await();
            })
            .activity("Visit", ctx -> {
                String[] input = ctx.getInput(String[].class);
                visit(input[0]);
                return input[1];
            });

    /**
     * One more worker, while the first stands at a gate. The first is given more than the second, so that what comes next goes to
     * the second; that one serves as soon as something ends.
     */
    private static RunningWorker another() {
        List<String> ballast = new ArrayList<>();
        for (int number = 0; number < 5; number++) {
            ballast.add(hub.start("Nothing", null));
        }
        RunningWorker second = hub.startWorker();
        Until.holds("the second worker to serve", () -> {
            ballast.add(hub.start("Nothing", null));
            return ballast.stream().anyMatch(id -> hub.status(id) == COMPLETED);
        });
        return second;
    }

    /** Lets everybody go, also after a failure, so that the next test is not held up. */
    private static void openAll(String id) {
        for (int visit = 1; visit < 6; visit++) {
            gate.open(id + visit);
        }
    }

    /** It comes while the first is out, or, which is as good, the server holds it back until that one is answered. */
    private static void secondDelivery(String id) throws Exception {
        Until.perhaps(Duration.ofSeconds(4), () -> gate.entered(id + 2));
    }

    private static void stillRuns(String id) throws Exception {
        Until.stays(Duration.ofMillis(500), id + " running", () -> !hub.client().getInstanceMetadata(id, false).isCompleted());
    }

    private static void visit(String id) {
        gate.pass(id + visits.add(id));
    }

    @Test
    void anAnswerToATurnThatWasTakenBackIsNotTakenForTheNext() throws Exception {
        String id = Hub.newId("two-events");
        try (RunningWorker first = hub.startWorker()) {
            hub.client().scheduleNewOrchestrationInstance("TwoEvents", null, id);
            hub.awaitStatus(id, RUNNING);
            hub.client().raiseEvent(id, "item", "one");
            gate.awaitEntered(id + 1);
            hub.client().suspendInstance(id);
            hub.awaitStatus(id, SUSPENDED);
            hub.client().raiseEvent(id, "item", "two");
            try (RunningWorker second = another()) {
                hub.client().resumeInstance(id);
                // The next turn has both events. The first worker's answer, which knows one of them, must not settle it.
                secondDelivery(id);
                gate.open(id + 1);
                stillRuns(id);
                openAll(id);
                assertEquals("one two", hub.output(id, String.class));
                assertTrue(first.alive() && second.alive());
            }
        } finally {
            openAll(id);
            hub.client().terminate(id, null);
        }
    }

    @RepeatedTest(4)
    void anAnswerToAnActivityOfAnOldGenerationIsNotTakenForTheNewOne() throws Exception {
        withTwoDeliveries(id -> hub.client().raiseEvent(id, "go"));
    }

    @RepeatedTest(4)
    void anAnswerToAnActivityOfATerminatedInstanceIsNotTakenForItsSuccessor() throws Exception {
        withTwoDeliveries(id -> {
            hub.client().terminate(id, "start over");
            hub.awaitStatus(id, TERMINATED);
            hub.client().scheduleNewOrchestrationInstance("TwoGenerations", "new", id);
        });
    }

    /**
     * The first worker is at an activity of the old generation when {@code change} has the second begin that of the new one. Repeated
     * by its tests, because a server that has to choose between the two may choose the right one by luck.
     */
    private static void withTwoDeliveries(Consumer<String> change) throws Exception {
        String id = Hub.newId("two-generations");
        try (RunningWorker first = hub.startWorker()) {
            // While the worker stands in a turn, these two queue up before it. So the activity it stands at later has others behind
            // it, and the second worker, with none, is the better one for the next.
            String holds = hub.start("Holds", null);
            gate.awaitEntered(holds);
            hub.client().scheduleNewOrchestrationInstance("TwoGenerations", "old", id);
            hub.start("Fills", null);
            gate.open(holds);
            gate.awaitEntered(id + 1);
            try (RunningWorker second = another()) {
                change.accept(id);
                secondDelivery(id);
                gate.open(id + 1);
                stillRuns(id);
                openAll(id);
                assertEquals("new", hub.output(id, String.class));
                assertTrue(first.alive() && second.alive());
            }
        } finally {
            openAll(id);
            hub.client().terminate(id, null);
        }
    }
}
