package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.DurableTaskClient;
import com.microsoft.durabletask.DurableTaskGrpcClientBuilder;
import com.microsoft.durabletask.DurableTaskGrpcWorker;
import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Task hubs: the default one, as programs reach it that name none, and others. */
class HubsTest {
    static final Gate gate = new Gate();

    @RegisterExtension
    static final Hub hub = new Hub("hubs")
            .orchestration("Echo", ctx -> ctx.getInput(String.class));

    private static Functions functions(String worker) {
        return new Functions()
                .orchestration("AskActivity", ctx -> ctx.callActivity("Who", ctx.getInstanceId(), String.class).await())
                .activity("Who", ctx -> {
                    if (worker.equals("first")) {
                        gate.pass(ctx.getInput(String.class));
                    }
                    return worker;
                });
    }

    private static DurableTaskGrpcWorkerBuilder byPort(String worker) {
        return functions(worker).addTo(new DurableTaskGrpcWorkerBuilder().port(hub.server().port()));
    }

    @Test
    void withNothingButAPortTheDefaultHubIsServedAndAClosedWorkerReplaced() throws Exception {
        try (DurableTaskClient client = new DurableTaskGrpcClientBuilder().port(hub.server().port()).build()) {
            String id = Hub.newId("by-port");
            try (DurableTaskGrpcWorker first = byPort("first").build()) {
                first.start();
                assertEquals(id, client.scheduleNewOrchestrationInstance("AskActivity", null, id));
                gate.awaitEntered(id);
            }
            // The first worker was closed in the middle of its activity; what it says later has no way to the server any more.
            try (DurableTaskGrpcWorker second = byPort("second").build()) {
                second.start();
                var state = client.waitForInstanceCompletion(id, Hub.PATIENCE, true);
                assertEquals(COMPLETED, state.getRuntimeStatus());
                assertEquals("second", state.readOutputAs(String.class));
            }
            gate.open(id);
            assertFalse(hub.client().getInstanceMetadata(id, false).isInstanceFound(), "the default hub is another one");
        }
    }

    @Test
    void twoHubsMayUseOneId() throws Exception {
        Hub other = new Hub("hubs-second", hub.server(), new Functions().orchestration("Echo", ctx -> "other"));
        try {
            String id = hub.start("Echo", "mine");
            other.client().scheduleNewOrchestrationInstance("Echo", null, id);
            assertEquals("mine", hub.output(id, String.class));
            assertEquals("other", other.output(id, String.class));
            other.client().purgeInstance(id);
            assertTrue(hub.client().getInstanceMetadata(id, false).isInstanceFound());
        } finally {
            other.close();
        }
    }

    @Test
    void readingFromAHubThatDoesNotExistIsRefused() {
        Hub nowhere = Hub.withoutWorker("hubs-nowhere", hub.server());
        try {
            Assert.refused(Status.Code.NOT_FOUND, () -> nowhere.status("x"));
        } finally {
            nowhere.close();
        }
    }

    @Test
    void creatingAHubIsIdempotent() {
        Hub made = Hub.withoutWorker("hubs-made", hub.server());
        try {
            made.client().createTaskHub(false);
            assertFalse(made.client().getInstanceMetadata("x", false).isInstanceFound());
            String id = made.start("Nobody", null);
            made.client().createTaskHub(false);
            assertTrue(made.client().getInstanceMetadata(id, false).isInstanceFound());
        } finally {
            made.close();
        }
    }

    @Test
    void recreatingAHubEmptiesIt() {
        Hub made = Hub.withoutWorker("hubs-recreated", hub.server());
        try {
            made.client().createTaskHub(true);
            String id = made.start("Nobody", null);
            made.client().createTaskHub(true);
            assertFalse(made.client().getInstanceMetadata(id, false).isInstanceFound());
        } finally {
            made.close();
        }
    }

    @Test
    void deletingAHubTakesItsInstancesAlongAndNoOthers() throws Exception {
        String mine = hub.start("Echo", "mine");
        assertEquals("mine", hub.output(mine, String.class));
        Hub made = Hub.withoutWorker("hubs-deleted", hub.server());
        try {
            made.client().createTaskHub(false);
            String id = made.start("Nobody", null);
            made.client().deleteTaskHub();
            Assert.refused(Status.Code.NOT_FOUND, () -> made.status(id));
            made.client().createTaskHub(false);
            assertFalse(made.client().getInstanceMetadata(id, false).isInstanceFound());
            assertEquals("mine", hub.output(mine, String.class));
        } finally {
            made.close();
        }
    }
}
