package durahub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.microsoft.durabletask.DurableTaskClient;
import com.microsoft.durabletask.DurableTaskGrpcClientBuilder;
import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import com.microsoft.durabletask.NewOrchestrationInstanceOptions;
import com.microsoft.durabletask.OrchestrationMetadata;
import com.microsoft.durabletask.OrchestrationRuntimeStatus;
import com.microsoft.durabletask.TaskActivity;
import com.microsoft.durabletask.TaskOrchestrationContext;
import com.microsoft.durabletask.implementation.protobuf.TaskHubSidecarServiceGrpc;
import com.microsoft.durabletask.implementation.protobuf.TaskHubSidecarServiceGrpc.TaskHubSidecarServiceBlockingStub;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.TestWatcher;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * The task hub of one test class, on the server that all classes share: nobody else's instances, one client, and a worker for the
 * functions named here. The name travels as the SDK's Azure variants send it, in the metadata {@code taskhub} of every call.
 */
final class Hub implements BeforeAllCallback, AfterAllCallback, TestWatcher {
    static final Duration PATIENCE = Duration.ofSeconds(40);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Functions functions = new Functions();
    private final String name;
    private int workers = 1;
    private RunningWorker[] running = {};
    private Server server;
    private ManagedChannel channel;
    private DurableTaskClient client;

    Hub(String name) {
        this.name = name;
    }

    /** A hub besides the test class's own, with one worker; to be closed with {@link #close}. */
    Hub(String name, Server server, Functions functions) {
        this(name, server, functions, UnaryOperator.identity());
    }

    Hub(String name, Server server, Functions functions, UnaryOperator<DurableTaskGrpcWorkerBuilder> options) {
        this(name);
        open(server);
        running = new RunningWorker[] {startWorker(functions, options)};
    }

    /** As before, and nobody serves it. */
    static Hub withoutWorker(String name, Server server) {
        Hub hub = new Hub(name);
        hub.open(server);
        return hub;
    }

    Hub orchestration(String function, Function<TaskOrchestrationContext, Object> code) {
        functions.orchestration(function, code);
        return this;
    }

    Hub activity(String function, TaskActivity code) {
        functions.activity(function, code);
        return this;
    }

    /** How many workers serve the functions all the time; 0 for tests that start their own. */
    Hub workers(int count) {
        workers = count;
        return this;
    }

    // ------------------------------------------------------------------------------------------ life

    @Override
    public void beforeAll(ExtensionContext context) {
        open(SharedServer.of(context));
        running = new RunningWorker[workers];
        for (int number = 0; number < workers; number++) {
            running[number] = startWorker();
        }
    }

    private void open(Server on) {
        server = on;
        channel = newChannel();
        client = new DurableTaskGrpcClientBuilder().grpcChannel(channel).build();
    }

    @Override
    public void afterAll(ExtensionContext context) {
        close();
        Assertions.assertTrue(server.alive(), "the server died during the tests");
    }

    void close() {
        for (RunningWorker worker : running) {
            worker.close();
        }
        channel.shutdownNow();
    }

    @Override
    public void testFailed(ExtensionContext context, Throwable cause) {
        System.err.println("The server's log (end), after " + context.getDisplayName() + " failed:\n" + server.logTail());
    }

    // ------------------------------------------------------------------------------------------ reaching it

    /** A connection whose calls all name this hub. */
    ManagedChannel newChannel() {
        Metadata metadata = new Metadata();
        metadata.put(Metadata.Key.of("taskhub", Metadata.ASCII_STRING_MARSHALLER), name);
        return ManagedChannelBuilder.forAddress("127.0.0.1", server.port())
                .usePlaintext()
                .intercept(MetadataUtils.newAttachHeadersInterceptor(metadata))
                .build();
    }

    String name() {
        return name;
    }

    Server server() {
        return server;
    }

    DurableTaskClient client() {
        return client;
    }

    /** The SDK's generated stub, for what its client does not show. */
    TaskHubSidecarServiceBlockingStub stub() {
        return TaskHubSidecarServiceGrpc.newBlockingStub(channel);
    }

    /** The instance over the HTTP API, with its history. */
    JsonNode history(String id) {
        try {
            String path = "/runtime/webhooks/durabletask/instances/" + id + "?taskHub=" + name
                    + "&showHistory=true&showHistoryOutput=true";
            return JSON.readTree(server.get(path)).get("historyEvents");
        } catch (com.fasterxml.jackson.core.JsonProcessingException error) {
            throw new IllegalStateException(error);
        }
    }

    /** One more worker for the functions of this hub. */
    RunningWorker startWorker() {
        return startWorker(functions);
    }

    RunningWorker startWorker(Functions others) {
        return startWorker(others, UnaryOperator.identity());
    }

    RunningWorker startWorker(Functions others, UnaryOperator<DurableTaskGrpcWorkerBuilder> options) {
        return new RunningWorker(newChannel(), others, options);
    }

    // ------------------------------------------------------------------------------------------ running things

    static String newId(String prefix) {
        return prefix + "-" + UUID.randomUUID().toString().substring(0, 8);
    }

    String start(String orchestration, Object input) {
        return client.scheduleNewOrchestrationInstance(orchestration, input, newId(orchestration));
    }

    String schedule(String orchestration, NewOrchestrationInstanceOptions options) {
        return client.scheduleNewOrchestrationInstance(orchestration, options);
    }

    /** Waits for the end, whatever it is. */
    OrchestrationMetadata end(String id) throws TimeoutException {
        try {
            return client.waitForInstanceCompletion(id, PATIENCE, true);
        } catch (TimeoutException error) {
            throw new AssertionError(id + " did not end within " + PATIENCE + "; it is " + status(id) + ":\n" + history(id), error);
        }
    }

    OrchestrationMetadata end(String id, OrchestrationRuntimeStatus status) throws TimeoutException {
        OrchestrationMetadata state = end(id);
        Assertions.assertEquals(status, state.getRuntimeStatus(),
                () -> state + " " + state.getFailureDetails().getErrorMessage());
        return state;
    }

    <T> T output(String id, Class<T> type) throws TimeoutException {
        return end(id, OrchestrationRuntimeStatus.COMPLETED).readOutputAs(type);
    }

    <T> T run(String orchestration, Object input, Class<T> type) throws TimeoutException {
        return output(start(orchestration, input), type);
    }

    /** Null where there is no such instance; the SDK itself says RUNNING then, which is the zero of the protocol. */
    OrchestrationRuntimeStatus status(String id) {
        OrchestrationMetadata state = client.getInstanceMetadata(id, false);
        return state.isInstanceFound() ? state.getRuntimeStatus() : null;
    }

    void awaitStatus(String id, OrchestrationRuntimeStatus status) {
        Until.holds(id + " to be " + status, () -> status(id) == status);
    }
}
