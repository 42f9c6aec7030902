package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.util.List;
import java.util.stream.IntStream;

/** Workers that come and go. Each test serves functions of its own names, in hubs of their own where workers differ. */
class WorkersTest {
    static final Counts runs = new Counts();
    static final Gate gate = new Gate();

    @RegisterExtension
    static final Hub hub = new Hub("workers").workers(0);

    private static Functions functions(String worker) {
        return new Functions()
                .orchestration("Three", ctx -> {
                    int sum = 0;
                    for (int step = 0; step < 3; step++) {
                        sum += ctx.callActivity("Run", ctx.getInstanceId() + "-" + step, int.class).await();
                    }
                    return sum;
                })
                .orchestration("Who", ctx -> ctx.callActivity("Who", ctx.getInstanceId(), String.class).await())
                .orchestration("Thinks", ctx -> {
                    String heard = ctx.waitForExternalEvent("go", String.class).await();
                    if (worker.equals("stuck")) {
                        gate.pass(ctx.getInstanceId());
                    }
                    return heard + " by " + worker + " " + ctx.callActivity("Run", ctx.getInstanceId(), int.class).await();
                })
                .activity("Run", ctx -> runs.add(ctx.getInput(String.class)))
                .activity("Who", ctx -> {
                    if (worker.equals("stuck")) {
                        gate.pass(ctx.getInput(String.class));
                    }
                    runs.add(ctx.getInput(String.class), worker);
                    return worker;
                });
    }

    @Test
    void threeWorkersShareAndDoEverythingOnce() throws Exception {
        try (var one = hub.startWorker(functions("1"));
                var two = hub.startWorker(functions("2"));
                var three = hub.startWorker(functions("3"))) {
            List<String> ids = IntStream.range(0, 60).mapToObj(unused -> hub.start("Three", null)).toList();
            for (String id : ids) {
                assertEquals(3, hub.output(id, int.class), "each step adds one");
            }
            assertTrue(one.alive() && two.alive() && three.alive());
        }
    }

    @Test
    void anActivityOfAWorkerThatIsClosedGoesToAnother() throws Exception {
        String id;
        try (var stuck = hub.startWorker(functions("stuck"))) {
            id = hub.start("Who", null);
            gate.awaitEntered(id);
            assertTrue(stuck.alive());
        }
        try (var other = hub.startWorker(functions("other"))) {
            assertEquals("other", hub.output(id, String.class));
            assertTrue(other.alive());
        }
        assertEquals(List.of("other"), runs.list(id));
    }

    @Test
    void aTurnOfAWorkerThatIsClosedGoesToAnotherAndCountsOnce() throws Exception {
        String id;
        try (var stuck = hub.startWorker(functions("stuck"))) {
            id = hub.start("Thinks", null);
            hub.awaitStatus(id, RUNNING);
            hub.client().raiseEvent(id, "go", "heard");
            gate.awaitEntered(id);
            assertTrue(stuck.alive());
        }
        try (var other = hub.startWorker(functions("other"))) {
            assertEquals("heard by other 1", hub.output(id, String.class));
            assertTrue(other.alive());
        }
        assertEquals(1, runs.of(id));
    }

    @Test
    void workIsTakenUpWhereAWorkerLeftIt() throws Exception {
        List<String> ids = IntStream.range(0, 10).mapToObj(unused -> hub.start("Three", null)).toList();
        for (int round = 0; round < 4; round++) {
            int wanted = total(ids) + 3;
            try (var worker = hub.startWorker(functions("round " + round))) {
                assertTrue(worker.alive());
                Until.holds("some more steps", () -> total(ids) >= Math.min(wanted, 30));
            }
        }
        try (var last = hub.startWorker(functions("last"))) {
            for (String id : ids) {
                // A step whose worker left before it had answered is run again, and no other.
                assertTrue(hub.output(id, int.class) <= 3 + 4, id);
            }
            assertTrue(total(ids) <= 30 + 4, () -> total(ids) + " steps run for 30");
            assertTrue(last.alive());
        }
    }

    private static int total(List<String> ids) {
        return ids.stream().mapToInt(id -> IntStream.range(0, 3).map(step -> runs.of(id + "-" + step)).sum()).sum();
    }
}
