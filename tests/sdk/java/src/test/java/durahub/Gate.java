package durahub;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A door at which activities wait until the test opens it, by key (an instance id). */
final class Gate {
    private final ConcurrentHashMap<String, CountDownLatch> doors = new ConcurrentHashMap<>();
    private final Set<String> entered = ConcurrentHashMap.newKeySet();

    void pass(String key) {
        entered.add(key);
        try {
            if (!door(key).await(60, TimeUnit.SECONDS)) {
                throw new IllegalStateException("gate " + key + " stayed shut");
            }
        } catch (InterruptedException error) {
            throw new IllegalStateException("interrupted at gate " + key, error);
        }
    }

    void awaitEntered(String key) {
        Until.holds("somebody at gate " + key, () -> entered(key));
    }

    boolean entered(String key) {
        return entered.contains(key);
    }

    void open(String key) {
        door(key).countDown();
    }

    private CountDownLatch door(String key) {
        return doors.computeIfAbsent(key, unused -> new CountDownLatch(1));
    }
}
