package durahub;

import com.microsoft.durabletask.DurableTaskGrpcWorkerBuilder;
import com.microsoft.durabletask.TaskActivity;
import com.microsoft.durabletask.TaskActivityFactory;
import com.microsoft.durabletask.TaskOrchestration;
import com.microsoft.durabletask.TaskOrchestrationContext;
import com.microsoft.durabletask.TaskOrchestrationFactory;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/** Orchestrators and activities by name, as lambdas. */
final class Functions {
    private final List<Consumer<DurableTaskGrpcWorkerBuilder>> entries = new ArrayList<>();

    /** What the orchestrator returns is its output. Failures, waiting and continueAsNew leave by an exception. */
    Functions orchestration(String name, Function<TaskOrchestrationContext, Object> code) {
        return uncompleted(name, context -> context.complete(code.apply(context)));
    }

    /** An orchestrator that ends when it returns and nothing it has begun is left. */
    Functions uncompleted(String name, TaskOrchestration orchestration) {
        entries.add(builder -> builder.addOrchestration(new TaskOrchestrationFactory() {
            @Override
            public String getName() {
                return name;
            }

            @Override
            public TaskOrchestration create() {
                return orchestration;
            }
        }));
        return this;
    }

    Functions activity(String name, TaskActivity code) {
        entries.add(builder -> builder.addActivity(new TaskActivityFactory() {
            @Override
            public String getName() {
                return name;
            }

            @Override
            public TaskActivity create() {
                return code;
            }
        }));
        return this;
    }

    DurableTaskGrpcWorkerBuilder addTo(DurableTaskGrpcWorkerBuilder builder) {
        entries.forEach(entry -> entry.accept(builder));
        return builder;
    }
}
