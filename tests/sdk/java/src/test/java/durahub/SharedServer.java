package durahub;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.ExtensionContext.Store.CloseableResource;

/** One server for the whole run, started by whoever comes first and ended after the last test. */
final class SharedServer {
    private SharedServer() {}

    private record Holder(Server server) implements CloseableResource {
        @Override
        public void close() {
            server.close();
        }
    }

    static Server of(ExtensionContext context) {
        return context.getRoot().getStore(Namespace.create(SharedServer.class))
                .getOrComputeIfAbsent(Holder.class, unused -> new Holder(Server.inNewDirectory().start()), Holder.class)
                .server();
    }
}
