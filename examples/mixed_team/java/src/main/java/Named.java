import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.UnknownFieldSet.Field;
import com.microsoft.durabletask.implementation.protobuf.OrchestratorService.GetWorkItemsRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.MethodDescriptor;

/**
 * Tells the server which activities a worker serves. The protocol has a field for that, which this version of the SDK does not fill yet;
 * so the request for work gets it on its way out. Without it the server would take the worker for one that serves everything.
 */
final class Named implements ClientInterceptor {
    private static final int WORK_ITEM_FILTERS = 11;
    private static final int ACTIVITIES = 2;
    private static final int NAME = 1;

    private final UnknownFieldSet filters;

    private Named(UnknownFieldSet filters) {
        this.filters = filters;
    }

    static Named activities(String... names) {
        Field.Builder activities = Field.newBuilder();
        for (String name : names) {
            activities.addLengthDelimited(message(NAME, ByteString.copyFromUtf8(name)).toByteString());
        }
        UnknownFieldSet listed = UnknownFieldSet.newBuilder().addField(ACTIVITIES, activities.build()).build();
        return new Named(message(WORK_ITEM_FILTERS, listed.toByteString()));
    }

    private static UnknownFieldSet message(int number, ByteString content) {
        return UnknownFieldSet.newBuilder()
                .addField(number, Field.newBuilder().addLengthDelimited(content).build())
                .build();
    }

    @Override
    public <Q, A> ClientCall<Q, A> interceptCall(MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
        return new SimpleForwardingClientCall<>(next.newCall(method, options)) {
            @Override
            public void sendMessage(Q message) {
                super.sendMessage(message instanceof GetWorkItemsRequest request ? withFilters(request) : message);
            }

            @SuppressWarnings("unchecked") // Q is the type of the request that it is made from.
            private Q withFilters(GetWorkItemsRequest request) {
                return (Q) request.toBuilder().setUnknownFields(filters).build();
            }
        };
    }
}
