package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.FAILED;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.RUNNING;
import static com.microsoft.durabletask.OrchestrationRuntimeStatus.SUSPENDED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.OrchestrationStatusQuery;
import com.microsoft.durabletask.OrchestrationStatusQueryResult;
import io.grpc.Status;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/** Lists. What they list is made once: twelve that ended well, three that failed, two that run, one suspended. */
class QueriesTest {
    private static final List<String> good = new ArrayList<>();
    private static final List<String> bad = new ArrayList<>();
    private static final List<String> live = new ArrayList<>();
    private static String suspended;

    @RegisterExtension
    static final Hub hub = new Hub("queries")
            .orchestration("Echo", ctx -> {
                ctx.setCustomStatus("echoing");
                return ctx.getInput(String.class);
            })
            .orchestration("Throws", ctx -> {
                throw new IllegalStateException("as asked");
            })
            .orchestration("Waits", ctx -> ctx.waitForExternalEvent("go", String.class).await());

    @BeforeAll
    static void instances() throws Exception {
        for (int number = 0; number < 12; number++) {
            good.add(hub.start("Echo", "input " + number));
            hub.end(good.get(number), COMPLETED);
        }
        for (int number = 0; number < 3; number++) {
            bad.add(hub.start("Throws", null));
            hub.end(bad.get(number), FAILED);
        }
        for (int number = 0; number < 2; number++) {
            live.add(hub.start("Waits", null));
            hub.awaitStatus(live.get(number), RUNNING);
        }
        suspended = hub.start("Waits", null);
        hub.client().suspendInstance(suspended);
        hub.awaitStatus(suspended, SUSPENDED);
    }

    private static OrchestrationStatusQuery query() {
        return new OrchestrationStatusQuery();
    }

    /** Follows the pages to their end, as this SDK shows it: by an empty token. */
    private static List<String> all(OrchestrationStatusQuery query) {
        List<String> ids = new ArrayList<>();
        String token = null;
        do {
            OrchestrationStatusQueryResult page = hub.client().queryInstances(query.setContinuationToken(token));
            assertTrue(page.getOrchestrationState().size() <= query.getMaxInstanceCount());
            page.getOrchestrationState().forEach(state -> ids.add(state.getInstanceId()));
            assertFalse(page.getContinuationToken().equals(token) && !page.getContinuationToken().isEmpty(), "the same token again");
            token = page.getContinuationToken();
        } while (!token.isEmpty());
        return ids;
    }

    private static List<String> everything() {
        List<String> ids = new ArrayList<>(good);
        ids.addAll(bad);
        ids.addAll(live);
        ids.add(suspended);
        return ids;
    }

    @Test
    void pagesOfAnySizeMeetEachInstanceOnceInTheOrderOfCreation() {
        for (int size : new int[] {1, 5, 18, 100}) {
            assertEquals(everything(), all(query().setMaxInstanceCount(size)), "pages of " + size);
        }
    }

    @Test
    void statusesNarrowTheList() {
        assertEquals(bad, all(query().setRuntimeStatusList(List.of(FAILED))));
        assertEquals(List.of(suspended), all(query().setRuntimeStatusList(List.of(SUSPENDED))));
        var two = new ArrayList<>(good);
        two.addAll(live);
        assertEquals(two, all(query().setMaxInstanceCount(3).setRuntimeStatusList(List.of(RUNNING, COMPLETED))));
    }

    @Test
    void aPrefixNarrowsTheList() {
        assertEquals(bad, all(query().setInstanceIdPrefix("Throws-")));
        assertEquals(List.of(good.get(3)), all(query().setInstanceIdPrefix(good.get(3))));
        assertEquals(List.of(), all(query().setInstanceIdPrefix("throws-")));
        assertEquals(everything(), all(query().setInstanceIdPrefix("")));
    }

    @Test
    void timesNarrowTheListFromIncludedToExcluded() {
        Instant from = hub.client().getInstanceMetadata(good.get(4), false).getCreatedAt();
        Instant to = hub.client().getInstanceMetadata(good.get(8), false).getCreatedAt();
        assertEquals(good.subList(4, 8), all(query().setCreatedTimeFrom(from).setCreatedTimeTo(to)));
        assertEquals(good.subList(0, 4), all(query().setCreatedTimeTo(from)));
        assertEquals(List.of(), all(query().setCreatedTimeFrom(Instant.now().plusSeconds(60))));
    }

    @Test
    void filtersAreAllInForce() {
        Instant from = hub.client().getInstanceMetadata(good.get(10), false).getCreatedAt();
        assertEquals(good.subList(10, 12),
                all(query().setCreatedTimeFrom(from).setRuntimeStatusList(List.of(COMPLETED, FAILED)).setInstanceIdPrefix("Echo-")));
    }

    @Test
    void payloadsComeWhenAskedFor() {
        OrchestrationStatusQuery one = query().setInstanceIdPrefix(good.get(0));
        OrchestrationMetadata without = hub.client().queryInstances(one).getOrchestrationState().get(0);
        assertThrows(IllegalStateException.class, () -> without.readInputAs(String.class));
        assertEquals(List.of("", ""), List.of(without.getSerializedInput(), without.getSerializedOutput()));

        OrchestrationMetadata with = hub.client().queryInstances(one.setFetchInputsAndOutputs(true)).getOrchestrationState().get(0);
        assertEquals("input 0", with.readInputAs(String.class));
        assertEquals("input 0", with.readOutputAs(String.class));
        assertEquals("echoing", with.readCustomStatusAs(String.class));
    }

    @Test
    void theStateInAListIsTheStateOfTheInstance() {
        for (OrchestrationMetadata listed : hub.client().queryInstances(query()).getOrchestrationState()) {
            OrchestrationMetadata single = hub.client().getInstanceMetadata(listed.getInstanceId(), false);
            assertEquals(single.toString(), listed.toString());
            assertEquals(single.getFailureDetails().getErrorMessage(), listed.getFailureDetails().getErrorMessage());
        }
    }

    @Test
    void tasksHubsKeepTheirInstancesApart() {
        Hub other = new Hub("queries-elsewhere", hub.server(), new Functions().orchestration("Echo", ctx -> null));
        try {
            String id = other.start("Echo", null);
            assertFalse(new HashSet<>(all(query())).contains(id));
            assertFalse(hub.client().getInstanceMetadata(id, false).isInstanceFound());
        } finally {
            other.close();
        }
    }

    @Test
    void aTokenOfSomebodyElseIsRefused() {
        Assert.refused(Status.Code.INVALID_ARGUMENT, () -> hub.client().queryInstances(query().setContinuationToken("nonsense")));
    }
}
