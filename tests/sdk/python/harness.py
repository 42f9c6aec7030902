"""What the tests share: the server under test, workers and clients of the stock SDK, and ways to wait."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

import grpc

import durabletask.internal.orchestrator_service_pb2 as pb
import durabletask.internal.orchestrator_service_pb2_grpc as stubs
from durabletask.azuremanaged.client import DurableTaskSchedulerClient
from durabletask.azuremanaged.worker import DurableTaskSchedulerWorker
from durabletask.client import TaskHubGrpcClient
from durabletask.grpc_options import GrpcWorkerResiliencyOptions
from durabletask.worker import TaskHubGrpcWorker

REPOSITORY = Path(__file__).resolve().parents[3]
FLAVOURS = ["plain", "azuremanaged"]
MEMORY = os.environ.get("DURAHUB_TEST_BACKEND") == "memory"
BASE = "/runtime/webhooks/durabletask"
# Seconds for what takes milliseconds: a machine may stall for a while. A wait over HTTP ends before its caller gives up.
PATIENCE, HTTP_PATIENCE = 30, 25


# ---------------------------------------------------------------------------------------------------- waiting

def eventually(probe, what="the condition", timeout=20.0, every=0.02):
    """Polls `probe` until it returns something true, and returns that. An AssertionError counts as "not yet"."""
    deadline = time.monotonic() + timeout
    last = None
    while True:
        try:
            last = probe()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout} s for {what}; last seen: {last!r}")
        time.sleep(every)


def holds_for(probe, seconds, what="the condition", every=0.02):
    """For what must NOT happen: `probe` has to stay true all the while."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert probe(), f"{what} stopped holding"
        time.sleep(every)


class Gates:
    """Doors that an activity waits at until the test opens them, by key (usually the instance id)."""

    def __init__(self):
        self._entered = collections.defaultdict(threading.Event)
        self._open = collections.defaultdict(threading.Event)

    def wait(self, key, timeout=30):
        self._entered[key].set()
        if not self._open[key].wait(timeout):
            raise TimeoutError(f"gate {key} stayed shut")

    def wait_until_entered(self, key, timeout=20):
        assert self._entered[key].wait(timeout), f"nobody came to gate {key}"

    def entered(self, key):
        return self._entered[key].is_set()

    def open(self, key):
        self._open[key].set()


class Log:
    """A thread-safe list of what happened, by key."""

    def __init__(self):
        self._lock = threading.Lock()
        self._entries = collections.defaultdict(list)

    def add(self, key, entry=None):
        """Returns how many entries the key has now."""
        with self._lock:
            self._entries[key].append(entry)
            return len(self._entries[key])

    def of(self, key):
        with self._lock:
            return list(self._entries[key])

    def count(self, key):
        return len(self.of(key))


def unique(prefix):
    return f"{prefix[:48]}-{uuid.uuid4().hex[:10]}"


# ---------------------------------------------------------------------------------------------------- server

def binary():
    given = os.environ.get("DURAHUB_BIN")
    return Path(given).resolve() if given else REPOSITORY / "target" / "debug" / "durahub"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class AddressInUse(RuntimeError):
    """Somebody else has the port."""


class Server:
    """The binary as a child process. `kill` is kill -9; `start` again reuses the port and the store."""

    def __init__(self, directory, name="server", arguments=(), environment=None, port=0):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.store = self.directory / f"{name}.db"
        self.log_path = self.directory / f"{name}.stderr"
        self.output_path = self.directory / f"{name}.stdout"
        self.arguments = list(arguments)
        self.environment = environment or {}
        self.port = port
        self.process = None
        self.kill_times = []

    def start(self, timeout=60):
        """Between two lives the port may be lent to anybody for a moment; then it is asked for again."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return self._start(timeout)
            except AddressInUse:
                if self.port == 0 or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def _start(self, timeout):
        assert self.process is None or self.process.poll() is not None, "already running"
        program = binary()
        assert program.exists(), f"no binary at {program}: run `cargo build` or set DURAHUB_BIN"
        started = self.output_path.stat().st_size if self.output_path.exists() else 0
        with open(self.output_path, "ab") as out, open(self.log_path, "ab") as err:
            self.process = subprocess.Popen(
                [str(program), "serve", "--listen", f"127.0.0.1:{self.port}", "--store", f"sqlite:{self.store}",
                 *self.arguments],
                stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=self.directory,
                # No page ends early because a read took long.
                env={"DURAHUB__STORE__READ_BUDGET_MS": "60000", **os.environ, **self.environment})

        def listening():
            text = self.output_path.read_bytes()[started:].decode("utf-8", "replace")
            found = re.search(r"Listening on http://127\.0\.0\.1:(\d+)", text)
            if not found and self.process.poll() is not None:
                last = self.log_tail(1)
                error = AddressInUse if "Address already in use" in last else RuntimeError
                raise error(f"the server ended with {self.process.returncode}:\n{self.log_tail()}")
            return found and int(found.group(1))

        port = eventually(listening, "the Listening line", timeout)
        assert self.port in (0, port), f"asked for port {self.port}, got {port}"
        self.port = port
        eventually(lambda: self.ready(), "/readyz", timeout)
        return self

    def ready(self):
        try:
            return self.http.get("/readyz").status == 200
        except OSError:
            return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def http(self):
        return Http(self.port)

    def kill(self):
        self.kill_times.append(time.time())
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def terminate(self, timeout=20):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def close(self):
        if self.alive():
            try:
                self.terminate(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def log_tail(self, lines=60):
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text("utf-8", "replace").splitlines()[-lines:])


class MemoryServer:
    """The SDK's own in-memory backend behind the same face, to check the tests themselves."""

    def __init__(self):
        from durabletask.testing import create_test_backend
        self.port = free_port()
        self._backend = create_test_backend(port=self.port)

    address = Server.address

    def alive(self):
        return True

    def close(self):
        with contextlib.suppress(Exception):
            self._backend.stop(0)

    def log_tail(self, lines=60):
        return ""


# ---------------------------------------------------------------------------------------------------- HTTP

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Http:
    """The management API by plain http.client: no retries, nothing hidden. One connection for each thread."""

    def __init__(self, port):
        self.port = port
        self._local = threading.local()

    def call(self, method, path, body=None, headers=None, timeout=30):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        headers = dict(headers or {})
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def start(self, name, instance_id=None, input=None, query=""):
        path = f"{BASE}/orchestrators/{quote(name)}" + (f"/{quote(instance_id)}" if instance_id else "")
        return self.call("POST", path + query, None if input is None else json.dumps(input))

    def status(self, instance_id, query=""):
        return self.get(f"{BASE}/instances/{quote(instance_id)}{query}")

    def history(self, instance_id):
        answer = self.status(instance_id, "?showHistory=true&showHistoryOutput=true")
        assert answer.status in (200, 202), answer
        return answer.json["historyEvents"]

    def raise_event(self, instance_id, name, value=None):
        return self.call("POST", f"{BASE}/instances/{quote(instance_id)}/raiseEvent/{quote(name)}", json.dumps(value))

    def operation(self, instance_id, operation, reason=None):
        query = f"?reason={urllib.parse.quote(reason)}" if reason is not None else ""
        return self.call("POST", f"{BASE}/instances/{quote(instance_id)}/{operation}{query}")

    def purge(self, instance_id):
        return self.call("DELETE", f"{BASE}/instances/{quote(instance_id)}")

    def wait_for_end(self, instance_id, timeout=20):
        def ended():
            answer = self.status(instance_id)
            assert answer.status in (200, 202), answer
            return answer.json if answer.status == 200 else None
        return eventually(ended, f"the end of {instance_id}", timeout)


def quote(text):
    return urllib.parse.quote(text, safe="")


# ---------------------------------------------------------------------------------------------------- SDK

# The SDK's default backoff reaches 30 s; a test server that restarts is back in well under one.
QUICK = GrpcWorkerResiliencyOptions(reconnect_backoff_base_seconds=0.05, reconnect_backoff_cap_seconds=0.3)


class Registry:
    """Collects a module's orchestrators, activities and entities; their functions' names are the registered names."""

    def __init__(self):
        self.orchestrators, self.activities, self.entities = [], [], []

    def orchestrator(self, function):
        self.orchestrators.append(function)
        return function

    def activity(self, function):
        self.activities.append(function)
        return function

    def entity(self, function_or_class):
        self.entities.append(function_or_class)
        return function_or_class

    def register(self, worker):
        for function in self.orchestrators:
            worker.add_orchestrator(function)
        for function in self.activities:
            worker.add_activity(function)
        for entity in self.entities:
            worker.add_entity(entity)
        return worker


def new_worker(flavour, address, registry=None, filters=False, **options):
    """A worker of the given flavour, registered but not started."""
    options.setdefault("resiliency_options", QUICK)
    if flavour == "plain":
        worker = TaskHubGrpcWorker(host_address=address, secure_channel=False, **options)
    else:
        worker = DurableTaskSchedulerWorker(
            host_address=f"http://{address}", taskhub="default", token_credential=None, secure_channel=False, **options)
    if registry is not None:
        registry.register(worker)
    if filters:
        worker.use_work_item_filters()
    return worker


def new_client(flavour, address, **options):
    if flavour == "plain":
        return TaskHubGrpcClient(host_address=address, secure_channel=False, **options)
    return DurableTaskSchedulerClient(
        host_address=f"http://{address}", taskhub="default", token_credential=None, secure_channel=False, **options)


def connected(server):
    """The ids of the workers that are connected; the server's own is none of them."""
    return {row["id"] for row in server.http.get("/api/v1/workers").json if not row["embedded"]}


class Stopper:
    """Stops workers off the test's path: the SDK takes a second or more to wind its queues down."""

    def __init__(self):
        self._threads = []

    def stop(self, worker):
        thread = threading.Thread(target=worker.stop, daemon=True)
        thread.start()
        self._threads.append(thread)

    def join(self, timeout=30):
        for thread in self._threads:
            thread.join(timeout)
        self._threads.clear()


def lines(log, kind):
    """What a worker process has written to its log (see worker_process.py), as fields."""
    return [line.split() for line in log.read_text().splitlines() if line.startswith(kind)] if log.exists() else []


# ---------------------------------------------------------------------------------------------------- raw gRPC

def raw_stub(address):
    return stubs.TaskHubSidecarServiceStub(grpc.insecure_channel(address))


def string_value(text):
    from google.protobuf import wrappers_pb2
    return None if text is None else wrappers_pb2.StringValue(value=text)


class RawWorker:
    """A work-item stream without the SDK's worker around it: takes items as they come and answers only when told."""

    def __init__(self, address, orchestrations=(), activities=(), entities=(), max_orchestrations=0, max_activities=0,
                 max_entities=0, metadata=None, filtered=True):
        self.channel = grpc.insecure_channel(address)
        self.stub = stubs.TaskHubSidecarServiceStub(self.channel)
        request = pb.GetWorkItemsRequest(
            maxConcurrentOrchestrationWorkItems=max_orchestrations, maxConcurrentActivityWorkItems=max_activities,
            maxConcurrentEntityWorkItems=max_entities)
        if filtered:
            filters = pb.WorkItemFilters()
            for entry in orchestrations:
                name, versions = (entry, []) if isinstance(entry, str) else entry
                filters.orchestrations.append(pb.OrchestrationFilter(name=name, versions=versions))
            for entry in activities:
                name, versions = (entry, []) if isinstance(entry, str) else entry
                filters.activities.append(pb.ActivityFilter(name=name, versions=versions))
            filters.entities.extend(pb.EntityFilter(name=name) for name in entities)
            request.workItemFilters.CopyFrom(filters)
        self.items, self.pings, self.ended = [], 0, None
        self._changed = threading.Condition()
        self._call = self.stub.GetWorkItems(request, metadata=metadata)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        try:
            for item in self._call:
                with self._changed:
                    if item.HasField("healthPing"):
                        self.pings += 1
                    else:
                        self.items.append(item)
                    self._changed.notify_all()
            code = grpc.StatusCode.OK
        except grpc.RpcError as error:
            code = error.code()
        with self._changed:
            self.ended = code
            self._changed.notify_all()

    def _take(self, kind, matches, timeout):
        with self._changed:
            def find():
                return next((item for item in self.items if item.HasField(kind) and matches(item)), None)
            self._changed.wait_for(lambda: find() is not None or self.ended is not None, timeout)
            item = find()
            assert item is not None, f"no {kind} within {timeout} s (stream: {self.ended}, held: {len(self.items)})"
            self.items.remove(item)
            return item

    def orchestration(self, instance_id=None, timeout=PATIENCE):
        return self._take("orchestratorRequest",
                          lambda i: instance_id is None or i.orchestratorRequest.instanceId == instance_id, timeout)

    def activity(self, instance_id=None, timeout=PATIENCE):
        return self._take("activityRequest",
                          lambda i: instance_id is None
                          or i.activityRequest.orchestrationInstance.instanceId == instance_id, timeout)

    def batch(self, entity=None, timeout=PATIENCE):
        return self._take("entityRequestV2",
                          lambda i: entity is None or i.entityRequestV2.instanceId == entity, timeout)

    def wait_for_ping(self, timeout):
        with self._changed:
            return self._changed.wait_for(lambda: self.pings > 0, timeout)

    def wait_for_end(self, timeout=PATIENCE):
        with self._changed:
            assert self._changed.wait_for(lambda: self.ended is not None, timeout), "the stream did not end"
            return self.ended

    def held(self):
        with self._changed:
            return len(self.items)

    def answer(self, item, *actions, custom_status=None, token=None):
        return self.stub.CompleteOrchestratorTask(pb.OrchestratorResponse(
            instanceId=item.orchestratorRequest.instanceId, actions=actions,
            customStatus=string_value(custom_status),
            completionToken=item.completionToken if token is None else token))

    def finish(self, item, result=None, token=None, failure=None):
        request = item.activityRequest
        return self.stub.CompleteActivityTask(pb.ActivityResponse(
            instanceId=request.orchestrationInstance.instanceId, taskId=request.taskId,
            result=string_value(result), failureDetails=failure,
            completionToken=item.completionToken if token is None else token))

    def operate(self, item, state, *results, actions=()):
        """Answers a batch: for each operation a result as JSON text, None, or failure details. Without any, each has none."""
        results = results or [None] * len(item.entityRequestV2.operationRequests)

        def outcome(result):
            if isinstance(result, pb.TaskFailureDetails):
                return pb.OperationResult(failure=pb.OperationResultFailure(failureDetails=result))
            return pb.OperationResult(success=pb.OperationResultSuccess(result=string_value(result)))
        return self.stub.CompleteEntityTask(pb.EntityBatchResult(
            results=map(outcome, results), entityState=string_value(state), actions=actions,
            completionToken=item.completionToken))

    def do(self, item, *results, state=None, actions=(), token=None, **fields):
        """Answers a batch; a result that is no message is the text of a success."""
        results = [result if isinstance(result, pb.OperationResult) else succeeded(result) for result in results]
        return self.stub.CompleteEntityTask(pb.EntityBatchResult(
            results=results, actions=actions, entityState=string_value(state),
            completionToken=item.completionToken if token is None else token, **fields))

    def close(self):
        self._call.cancel()
        self._thread.join(5)
        self.channel.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def schedule(action_id, name, input=None, version=None):
    return pb.OrchestratorAction(id=action_id, scheduleTask=pb.ScheduleTaskAction(
        name=name, input=string_value(input), version=string_value(version)))


def complete(action_id, result=None, status=pb.ORCHESTRATION_STATUS_COMPLETED):
    return pb.OrchestratorAction(id=action_id, completeOrchestration=pb.CompleteOrchestrationAction(
        orchestrationStatus=status, result=string_value(result)))


def succeeded(result=None):
    return pb.OperationResult(success=pb.OperationResultSuccess(result=string_value(result)))


def failed(error_type, message):
    return pb.OperationResult(failure=pb.OperationResultFailure(
        failureDetails=pb.TaskFailureDetails(errorType=error_type, errorMessage=message)))


def entity_message(action_id, **message):
    """An entity message of an orchestration: `entityOperationCalled`, `entityLockRequested`, ..."""
    return pb.OrchestratorAction(id=action_id, sendEntityMessage=pb.SendEntityMessageAction(**message))


def kinds(events):
    return [event.WhichOneof("eventType") for event in events]


@contextlib.contextmanager
def refused(*codes):
    """The block must fail with one of these gRPC status codes."""
    try:
        yield
    except grpc.RpcError as error:
        assert error.code() in codes, f"refused with {error.code()} ({error.details()}), expected {codes}"
    else:
        raise AssertionError(f"was accepted; expected {codes}")


def serve():
    """Tells that the workers of this process serve, and ends with the process that has started it."""
    print("serving", flush=True)
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)
