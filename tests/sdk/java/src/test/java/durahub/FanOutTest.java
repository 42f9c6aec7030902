package durahub;

import static com.microsoft.durabletask.OrchestrationRuntimeStatus.COMPLETED;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.microsoft.durabletask.CompositeTaskFailedException;
import com.microsoft.durabletask.Task;
import com.microsoft.durabletask.TaskFailedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Many tasks at once. */
class FanOutTest {
    static final Counts runs = new Counts();

    @RegisterExtension
    static final Hub hub = new Hub("fan-out")
            .workers(2)
            .orchestration("FanOut", ctx -> {
                List<Task<Integer>> tasks = new ArrayList<>();
                for (int number = 0; number < ctx.getInput(int.class); number++) {
                    tasks.add(ctx.callActivity("Square", new Object[] {ctx.getInstanceId(), number}, Integer.class));
                }
                return ctx.allOf(tasks).await();
            })
            .orchestration("SomeFail", ctx -> {
                List<Task<Integer>> tasks = new ArrayList<>();
                for (int number = 0; number < 6; number++) {
                    tasks.add(ctx.callActivity("FailsOnOdd", number, Integer.class));
                }
                try {
                    return ctx.allOf(tasks).await();
                } catch (CompositeTaskFailedException error) {
                    return error.getExceptions().stream()
                            .map(each -> ((TaskFailedException) each).getErrorDetails().getErrorMessage()).sorted().toList();
                }
            })
            .orchestration("FirstOf", ctx -> {
                Task<String> never = ctx.waitForExternalEvent("never", String.class);
                Task<Integer> quick = ctx.callActivity("Square", new Object[] {ctx.getInstanceId(), 7}, Integer.class);
                Task<?> first = ctx.anyOf(never, quick).await();
                return first == quick ? quick.await() : -1;
            })
            .activity("Square", ctx -> {
                Object[] input = ctx.getInput(Object[].class);
                int number = (int) input[1];
                runs.add(input[0] + "/" + number);
                return number * number;
            })
            .activity("FailsOnOdd", ctx -> {
                int number = ctx.getInput(int.class);
                if (number % 2 == 1) {
                    throw new IllegalArgumentException(number + " is odd");
                }
                return number;
            });

    private static int[] squares(int count) {
        return IntStream.range(0, count).map(number -> number * number).toArray();
    }

    @Test
    void fiftyActivitiesRunOnceEachAndKeepTheirOrder() throws Exception {
        String id = hub.start("FanOut", 50);
        assertEquals(Arrays.toString(squares(50)), Arrays.toString(hub.output(id, int[].class)));
        for (int number = 0; number < 50; number++) {
            assertEquals(1, runs.of(id + "/" + number), "runs of activity " + number);
        }
    }

    @Test
    void twentyFanOutsAtOnceDoNotMix() throws Exception {
        List<String> ids = IntStream.range(0, 20).mapToObj(unused -> hub.start("FanOut", 10)).toList();
        for (String id : ids) {
            assertEquals(Arrays.toString(squares(10)), Arrays.toString(hub.output(id, int[].class)));
        }
    }

    @Test
    void allOfTellsEveryFailure() throws Exception {
        assertEquals(List.of("1 is odd", "3 is odd", "5 is odd"), Arrays.asList(hub.run("SomeFail", null, String[].class)));
    }

    @Test
    void anyOfAnswersWithTheFirst() throws Exception {
        assertEquals(49, hub.run("FirstOf", null, int.class));
    }

    @Test
    void nothingToWaitForIsAnEmptyList() throws Exception {
        var state = hub.end(hub.start("FanOut", 0), COMPLETED);
        assertEquals("[]", state.getSerializedOutput());
        assertTrue(state.getFailureDetails().getErrorMessage().isEmpty());
    }
}
