package durahub;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/** The binary as a child process. {@link #kill} is kill -9; {@link #start} again keeps the port and the store. */
final class Server implements AutoCloseable {
    private static final Pattern LISTENING = Pattern.compile("Listening on http://127\\.0\\.0\\.1:(\\d+)");
    private static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

    private final Path directory;
    private Process process;
    private int port;

    /** Its data, and its logs, are in {@code directory}, which must exist. */
    Server(Path directory) {
        this.directory = directory;
    }

    static Server inNewDirectory() {
        try {
            return new Server(Files.createTempDirectory("durahub-java"));
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    Server start() {
        return Until.present("the server to start", () -> {
            try {
                return startOnce();
            } catch (IllegalStateException error) {
                // While nobody listened, the port may have gone to a connection of somebody else's.
                if (error.getMessage().contains("Address already in use")) {
                    throw new AssertionError(error);
                }
                throw error;
            }
        });
    }

    private Server startOnce() {
        if (process != null && process.isAlive()) {
            throw new IllegalStateException("already running");
        }
        try {
            Path output = directory.resolve("stdout");
            Files.write(output, new byte[0]);
            ProcessBuilder builder = new ProcessBuilder(
                    binary().toString(), "serve", "--listen", "127.0.0.1:" + port,
                    "--store", "sqlite:" + directory.resolve("server.db"));
            // Each test class works in a hub of its own, which its worker makes by coming.
            builder.environment().put("DURAHUB__HUBS__CREATE_ON_START", "true");
            // A search that a stalling machine holds up must not end its page early.
            builder.environment().put("DURAHUB__STORE__READ_BUDGET_MS", "60000");
            process = builder.directory(directory.toFile())
                    .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
                    .redirectOutput(output.toFile())
                    .redirectError(ProcessBuilder.Redirect.appendTo(log().toFile()))
                    .start();
            port = Until.present("the Listening line", () -> {
                var found = LISTENING.matcher(Files.readString(output));
                if (found.find()) {
                    return Integer.valueOf(found.group(1));
                }
                if (!process.isAlive()) {
                    throw new IllegalStateException("the server ended with " + process.exitValue() + "\n" + logTail());
                }
                return null;
            });
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        Until.holds("/readyz", () -> ready());
        return this;
    }

    private static Path binary() {
        Path repository = Path.of("").toAbsolutePath().resolve("../../..").normalize();
        String given = System.getenv("DURAHUB_BIN");
        Path binary = repository.resolve(given == null || given.isEmpty() ? "target/debug/durahub" : given);
        if (!Files.isExecutable(binary)) {
            throw new IllegalStateException("no binary at " + binary + ": run `cargo build` or set DURAHUB_BIN");
        }
        return binary;
    }

    private boolean ready() {
        try {
            return HTTP.send(request("/readyz").build(), HttpResponse.BodyHandlers.discarding()).statusCode() == 200;
        } catch (IOException notYet) {
            return false;
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    /** The body of a GET over the HTTP API, for what the SDK does not show. */
    String get(String path) {
        try {
            var answer = HTTP.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() / 100 != 2) {
                throw new IllegalStateException("GET " + path + ": " + answer.statusCode() + " " + answer.body());
            }
            return answer.body();
        } catch (IOException | InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    private HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).timeout(Duration.ofSeconds(20));
    }

    int port() {
        return port;
    }

    /** SIGKILL. */
    void kill() {
        process.destroyForcibly();
        ended(10);
    }

    /** SIGTERM; returns the exit code. */
    int terminate() {
        return terminate(() -> {});
    }

    /** The same; {@code sent} runs once the signal is out. */
    int terminate(Runnable sent) {
        process.destroy();
        sent.run();
        ended(30);
        return process.exitValue();
    }

    private void ended(int seconds) {
        try {
            if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
                throw new IllegalStateException("the server did not end");
            }
        } catch (InterruptedException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void close() {
        if (process != null && process.isAlive()) {
            terminate();
        }
        try (var files = Files.walk(directory)) {
            files.sorted(java.util.Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    boolean alive() {
        return process != null && process.isAlive();
    }

    private Path log() {
        return directory.resolve("stderr");
    }

    String logTail() {
        try {
            List<String> lines = new String(Files.readAllBytes(log()), StandardCharsets.UTF_8).lines().toList();
            return String.join("\n", lines.subList(Math.max(0, lines.size() - 20), lines.size()));
        } catch (IOException error) {
            return "(no log: " + error + ")";
        }
    }
}
