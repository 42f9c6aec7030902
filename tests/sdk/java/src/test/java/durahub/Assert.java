package durahub;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import org.junit.jupiter.api.function.Executable;

/** Assertions that several themes need. */
final class Assert {
    private Assert() {}

    /** The call must fail with this code; returns what the server said. */
    static String refused(Status.Code code, Executable call) {
        StatusRuntimeException error = assertThrows(StatusRuntimeException.class, call);
        assertEquals(code, error.getStatus().getCode(), error::toString);
        return String.valueOf(error.getStatus().getDescription());
    }
}
