package durahub;

import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.Callable;

/** Waiting for a state, and watching one for a while. */
final class Until {
    private static final Duration PATIENCE = Duration.ofSeconds(40);

    private Until() {}

    static void holds(String what, Callable<Boolean> probe) {
        present(what, () -> probe.call() ? Boolean.TRUE : null);
    }

    /** Polls until the probe returns something, and returns that. An AssertionError means "not yet". */
    static <T> T present(String what, Callable<T> probe) {
        Instant deadline = Instant.now().plus(PATIENCE);
        AssertionError last = null;
        while (true) {
            try {
                T found = probe.call();
                if (found != null) {
                    return found;
                }
            } catch (AssertionError notYet) {
                last = notYet;
            } catch (RuntimeException error) {
                throw error;
            } catch (Exception error) {
                throw new IllegalStateException(error);
            }
            if (Instant.now().isAfter(deadline)) {
                throw new AssertionError("waited " + PATIENCE + " for " + what, last);
            }
            pause();
        }
    }

    /** Waits for what may happen or not. */
    static void perhaps(Duration time, Callable<Boolean> probe) throws Exception {
        Instant end = Instant.now().plus(time);
        while (Instant.now().isBefore(end) && !probe.call()) {
            pause();
        }
    }

    /** For what must NOT happen: the probe has to stay true all the while. */
    static void stays(Duration time, String what, Callable<Boolean> probe) throws Exception {
        Instant end = Instant.now().plus(time);
        while (Instant.now().isBefore(end)) {
            if (!probe.call()) {
                throw new AssertionError(what + " stopped holding");
            }
            pause();
        }
    }

    private static void pause() {
        try {
            Thread.sleep(20);
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }
}
