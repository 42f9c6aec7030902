import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import com.microsoft.durabletask.TaskActivity;
import com.microsoft.durabletask.TaskActivityFactory;
import io.grpc.ManagedChannelBuilder;

import java.util.Map;

/** The activity that knows what hotels cost. Runs until it is ended. The argument is HOST:PORT. */
public class Worker {
    record Stay(String city, int nights) {}

    /** Euros for a night. */
    private static final Map<String, Integer> RATES = Map.of("Tokyo", 140, "Seattle", 180, "London", 210);

    static class HotelPrice implements TaskActivityFactory {
        @Override
        public String getName() {
            return "HotelPrice";
        }

        @Override
        public TaskActivity create() {
            return context -> {
                Stay stay = context.getInput(Stay.class);
                Integer rate = RATES.get(stay.city());
                if (rate == null) {
                    throw new IllegalArgumentException("no hotel in " + stay.city());
                }
                return rate * stay.nights();
            };
        }
    }

    public static void main(String[] arguments) {
        TaskActivityFactory hotelPrice = new HotelPrice();
        var channel = ManagedChannelBuilder.forTarget(arguments.length > 0 ? arguments[0] : "127.0.0.1:7071")
                .usePlaintext()
                .intercept(Named.activities(hotelPrice.getName()))
                .build();
        new DurableTaskGrpcWorkerBuilder().grpcChannel(channel).addActivity(hotelPrice).build().startAndBlock();
    }
}
