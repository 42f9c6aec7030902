package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.TERMINATED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.PurgeInstanceCriteria;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.PurgeInstancesRequest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;

/** Forgetting what has ended. */
class PurgeTest {
    @RegisterExtension
    static final Hub hub = new Hub("purge")
            .orchestration("Echo", ctx -> ctx.getInput(String.class))
            .orchestration("Throws", ctx -> {
                throw new IllegalStateException("as asked");
            })
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await())
            .orchestration("Parent", ctx ->
                    ctx.callSubOrchestrator("Echo", "child", ctx.getInstanceId() + "-child", String.class).await());

    private static boolean exists(String id) {
        return hub.client().getInstanceMetadata(id, false).isInstanceFound();
    }

    private static Instant created(String id) {
        return hub.client().getInstanceMetadata(id, false).getCreatedAt();
    }

    private static String ended(String orchestration) throws TimeoutException {
        String id = hub.start(orchestration, "x");
        assertTrue(hub.end(id).isCompleted());
        return id;
    }

    /** Everything that was created from this instance on. */
    private static PurgeInstanceCriteria since(String id) {
        return new PurgeInstanceCriteria().setCreatedTimeFrom(created(id));
    }

    @Test
    void anEndedInstanceGoesAndOnce() throws Exception {
        String id = ended("Echo");
        assertEquals(1, hub.client().purgeInstance(id).getDeletedInstanceCount());
        OrchestrationMetadata state = hub.client().getInstanceMetadata(id, true);
        assertFalse(state.isInstanceFound());
        assertEquals(0, hub.client().purgeInstance(id).getDeletedInstanceCount());
        // The id is free again.
        assertEquals("anew", hub.output(hub.client().scheduleNewOrchestrationInstance("Echo", "anew", id), String.class));
    }

    @Test
    void aLiveOrMissingInstanceIsNotPurged() throws Exception {
        String id = hub.start("Waits", null);
        hub.awaitStatus(id, RUNNING);
        assertEquals(0, hub.client().purgeInstance(id).getDeletedInstanceCount());
        assertEquals(0, hub.client().purgeInstance(Hub.newId("nobody")).getDeletedInstanceCount());
        hub.client().raiseEvent(id, "go", "alive");
        assertEquals("alive", hub.output(id, String.class));
    }

    @Test
    void childrenStayUnlessAskedFor() throws Exception {
        String left = ended("Parent");
        assertEquals(1, hub.client().purgeInstance(left).getDeletedInstanceCount());
        assertTrue(exists(left + "-child"));

        String all = ended("Parent");
        var request = PurgeInstancesRequest.newBuilder().setInstanceId(all)
                .setUnknownFields(NewerFields.flag(NewerFields.RECURSIVE)).build();
        assertEquals(2, hub.stub().purgeInstances(request).getDeletedInstanceCount());
        assertFalse(exists(all + "-child"));
    }

    @Test
    void aFilterByStatusTakesOnlyThose() throws Exception {
        String good = ended("Echo");
        String bad = ended("Throws");
        String terminated = hub.start("Waits", null);
        hub.client().terminate(terminated, null);
        hub.end(terminated, TERMINATED);
        String live = hub.start("Waits", null);
        hub.awaitStatus(live, RUNNING);

        var failed = since(good).setRuntimeStatusList(List.of(FAILED));
        assertEquals(1, hub.client().purgeInstances(failed).getDeletedInstanceCount());
        assertFalse(exists(bad));
        var several = since(good).setRuntimeStatusList(List.of(TERMINATED, COMPLETED, RUNNING));
        assertEquals(2, hub.client().purgeInstances(several).getDeletedInstanceCount());
        assertFalse(exists(good) || exists(terminated));
        assertEquals(RUNNING, hub.status(live), "a purge never takes what lives, also if the filter names it");
        assertEquals(0, hub.client().purgeInstances(several).getDeletedInstanceCount());
    }

    @Test
    void aFilterByTimeIncludesItsBeginningAndExcludesItsEnd() throws Exception {
        List<String> ids = new ArrayList<>();
        for (int number = 0; number < 4; number++) {
            ids.add(ended("Echo"));
        }
        var middle = since(ids.get(1)).setCreatedTimeTo(created(ids.get(3)));
        assertEquals(2, hub.client().purgeInstances(middle).getDeletedInstanceCount());
        assertEquals(List.of(true, false, false, true), ids.stream().map(PurgeTest::exists).toList());
    }

    @Test
    void manyGoInOneCall() throws Exception {
        List<String> ids = new ArrayList<>();
        for (int number = 0; number < 250; number++) {
            ids.add(hub.start("Echo", "x"));
        }
        for (String id : ids) {
            hub.end(id, COMPLETED);
        }
        assertEquals(250, hub.client().purgeInstances(since(ids.get(0))).getDeletedInstanceCount());
    }

    @Test
    void aPurgeThatRunsOutOfTimeSaysSoAndCanBeRepeated() throws Exception {
        String id = ended("Echo");
        var inNoTime = since(id).setTimeout(Duration.ofNanos(1));
        String message = assertThrows(TimeoutException.class, () -> hub.client().purgeInstances(inNoTime)).getMessage();
        assertTrue(message.contains("Purge instances timeout"), message);
        hub.client().purgeInstances(new PurgeInstanceCriteria().setCreatedTimeFrom(Instant.EPOCH).setTimeout(Duration.ofSeconds(30)));
        assertFalse(exists(id));
    }
}
