package durahub;

import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** What happened, by key, in order. */
final class Counts {
    private final ConcurrentHashMap<String, CopyOnWriteArrayList<Object>> entries = new ConcurrentHashMap<>();

    /** Returns how many the key has now. */
    int add(String key, Object entry) {
        var list = entries.computeIfAbsent(key, unused -> new CopyOnWriteArrayList<>());
        synchronized (list) {
            list.add(entry);
            return list.size();
        }
    }

    int add(String key) {
        return add(key, key);
    }

    int of(String key) {
        return list(key).size();
    }

    List<Object> list(String key) {
        return List.copyOf(entries.getOrDefault(key, new CopyOnWriteArrayList<>()));
    }
}
