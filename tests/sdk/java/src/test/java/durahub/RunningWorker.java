package durahub;

import com.microsoft.durabletask.DurableTaskGrpcWorker;
import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import io.grpc.ManagedChannel;

import java.util.function.UnaryOperator;

/**
 * A stock worker on a thread of its own. It does one thing after the other on that thread, orchestrators and activities alike,
 * so a test in which an activity waits needs a second worker for everything else.
 */
final class RunningWorker implements AutoCloseable {
    private final ManagedChannel channel;
    private final Thread thread;

    RunningWorker(ManagedChannel channel, Functions functions, UnaryOperator<DurableTaskGrpcWorkerBuilder> options) {
        this.channel = channel;
        DurableTaskGrpcWorker worker =
                options.apply(functions.addTo(new DurableTaskGrpcWorkerBuilder().grpcChannel(channel))).build();
        thread = new Thread(worker::startAndBlock, "worker");
        thread.setDaemon(true);
        thread.start();
    }

    boolean alive() {
        return thread.isAlive();
    }

    /** The connection goes first, so that what the worker still does has no way back, as if its process had died. */
    @Override
    public void close() {
        channel.shutdownNow();
        // The SDK ends its loop when it is interrupted while it pauses before it connects again.
        Until.holds("the worker to end", () -> {
            thread.interrupt();
            thread.join(20);
            return !thread.isAlive();
        });
    }
}
