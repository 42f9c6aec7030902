package durahub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.microsoft.durabletask.TaskCanceledException;
import io.grpc.Status;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Messages from outside. */
class EventsTest {
    /** A type of the user's own. */
    public static final class Order {
        public String item;
        public List<Integer> amounts;
    }

    static final Gate gate = new Gate();

    @RegisterExtension
    static final Hub hub = new Hub("events")
            // One may wait at the gate while the other serves the rest.
            .workers(2)
            .orchestration("One", ctx -> ctx.waitForExternalEvent("item", String.class).await())
            .orchestration("Collect", ctx -> {
                int[] seen = new int[ctx.getInput(int.class)];
                for (int number = 0; number < seen.length; number++) {
                    seen[number] = ctx.waitForExternalEvent("item", int.class).await();
                }
                return seen;
            })
            .orchestration("BusyFirst", ctx -> {
                ctx.callActivity("AtTheGate", ctx.getInstanceId()).await();
                return ctx.waitForExternalEvent("item", String.class).await();
            })
            .orchestration("Typed", ctx -> {
                Order order = ctx.waitForExternalEvent("order", Order.class).await();
                order.amounts = order.amounts.stream().map(amount -> amount * 10).toList();
                return order;
            })
            .orchestration("TwoNames", ctx -> {
                var second = ctx.waitForExternalEvent("second", String.class);
                var first = ctx.waitForExternalEvent("first", String.class);
                return first.await() + " " + second.await();
            })
            .orchestration("Patient", ctx -> {
                try {
                    return ctx.waitForExternalEvent("item", Duration.ofMillis(ctx.getInput(int.class)), String.class).await();
                } catch (TaskCanceledException error) {
                    return "gave up on " + error.getTaskName();
                }
            })
            .orchestration("Mapped", ctx -> {
                StringBuilder text = new StringBuilder();
                ctx.waitForExternalEvent("item", String.class).thenAccept(text::append).await();
                return text.reverse().toString();
            })
            .orchestration("Sends", ctx -> {
                ctx.sendEvent(ctx.getInput(String.class), "item", 7);
                // Turns after the one that sent: this SDK names its sent event again in each of them.
                for (int round = 0; round < 3; round++) {
                    ctx.callActivity("Nothing").await();
                }
                return "sent";
            })
            .activity("AtTheGate", ctx -> {
                gate.pass(ctx.getInput(String.class));
                return null;
            })
            .activity("Nothing", ctx -> null);

    @Test
    void anEventResumesTheWaitWithItsValue() throws Exception {
        String id = hub.start("One", null);
        hub.client().waitForInstanceStart(id, Hub.PATIENCE);
        hub.client().raiseEvent(id, "item", "value");
        assertEquals("value", hub.output(id, String.class));
    }

    @Test
    void eventsOfOneNameSentRightAfterTheStartKeepTheirOrder() throws Exception {
        String id = hub.start("Collect", 50);
        IntStream.range(0, 50).forEach(number -> hub.client().raiseEvent(id, "item", number));
        assertArrayEquals(IntStream.range(0, 50).toArray(), hub.output(id, int[].class));
    }

    @Test
    void anEventNobodyWaitsForYetIsKept() throws Exception {
        String id = hub.start("BusyFirst", null);
        gate.awaitEntered(id);
        hub.client().raiseEvent(id, "item", "early");
        gate.open(id);
        assertEquals("early", hub.output(id, String.class));
    }

    @Test
    void aTypedEventKeepsItsFields() throws Exception {
        Order order = new Order();
        order.item = "Räder";
        order.amounts = List.of(1, 2, 3);
        String id = hub.start("Typed", null);
        hub.client().raiseEvent(id, "order", order);
        Order answer = hub.output(id, Order.class);
        assertEquals("Räder", answer.item);
        assertEquals(List.of(10, 20, 30), answer.amounts);
    }

    @Test
    void waitsByDifferentNamesDoNotMix() throws Exception {
        String id = hub.start("TwoNames", null);
        hub.client().raiseEvent(id, "first", "1");
        hub.client().raiseEvent(id, "second", "2");
        assertEquals("1 2", hub.output(id, String.class));
    }

    @Test
    void anEventWithoutDataIsNull() throws Exception {
        String id = hub.start("One", null);
        hub.client().raiseEvent(id, "item");
        assertEquals("", hub.end(id).getSerializedOutput());
    }

    @Test
    void waitingGivesUpAtItsTimeout() throws Exception {
        assertEquals("gave up on item", hub.run("Patient", 50, String.class));
    }

    @Test
    void anEventInTimeBeatsTheTimeout() throws Exception {
        String id = hub.start("Patient", 3_600_000);
        hub.client().raiseEvent(id, "item", "in time");
        assertEquals("in time", hub.output(id, String.class));
    }

    @Test
    void anEventCanBeMapped() throws Exception {
        String id = hub.start("Mapped", null);
        hub.client().raiseEvent(id, "item", "abc");
        assertEquals("cba", hub.output(id, String.class));
    }

    @Test
    void anOrchestratorSendsAnEventOnce() throws Exception {
        String receiver = hub.start("Collect", 2);
        assertEquals("sent", hub.run("Sends", receiver, String.class));
        hub.client().raiseEvent(receiver, "item", 8);
        assertEquals("[7, 8]", Arrays.toString(hub.output(receiver, int[].class)));
    }

    @Test
    void anEventSentToNobodyIsDropped() throws Exception {
        assertEquals("sent", hub.run("Sends", Hub.newId("nobody"), String.class));
    }

    @Test
    void anEventForAMissingInstanceIsRefusedAndForAnEndedOneDropped() throws Exception {
        Assert.refused(Status.Code.NOT_FOUND, () -> hub.client().raiseEvent(Hub.newId("nobody"), "item", 1));
        String id = hub.start("One", null);
        hub.client().raiseEvent(id, "item", "done");
        hub.output(id, String.class);
        hub.client().raiseEvent(id, "item", "late");
        assertEquals("done", hub.output(id, String.class));
    }
}
