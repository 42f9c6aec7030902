"""The HTTP API and a Python worker on one instance."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from durabletask.client import OrchestrationStatus

from harness import BASE, Gates, Registry, eventually

pytestmark = pytest.mark.needs_http

registry = Registry()
gates = Gates()


@registry.activity
def shout(ctx, text):
    return text.upper()


@registry.activity
def gated(ctx, key):
    gates.wait(key)


@registry.orchestrator
def shouts_names(ctx, names):
    result = []
    for name in names or []:
        result.append((yield ctx.call_activity(shout, input=name)))
    return result


@registry.orchestrator
def waits_for_approval(ctx, _):
    ctx.set_custom_status({"waiting": True})
    return (yield ctx.wait_for_external_event("Approval"))


@registry.orchestrator
def breaks(ctx, _):
    yield ctx.call_activity(gated, input=ctx.instance_id)
    raise ValueError("broken on purpose")


@pytest.fixture(autouse=True)
def running(worker):
    pass


def test_started_over_http_run_by_python_read_over_both(http, client, new_id):
    instance = new_id()
    answer = http.start("shouts_names", instance, ["a", "ß"])
    assert answer.status == 202, answer
    body = answer.json
    assert list(body) == ["id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "purgeHistoryDeleteUri",
                          "restartPostUri", "suspendPostUri", "resumePostUri"]
    assert body["id"] == instance and answer.headers["Location"] == body["statusQueryGetUri"]
    assert answer.headers["Retry-After"] == "10"
    status = http.wait_for_end(instance)
    assert status["runtimeStatus"] == "Completed" and status["output"] == ["A", "SS"] and status["input"] == ["a", "ß"]
    assert status["name"] == "shouts_names"
    assert client.get_orchestration_state(instance).get_output() == ["A", "SS"]


def test_a_waiting_start_answers_the_output(http, new_id):
    answer = http.start("shouts_names", new_id(), ["quick"], "?timeout=20&pollingInterval=1")
    assert answer.status == 200 and answer.json == ["QUICK"], answer


def test_a_wait_that_runs_out_answers_202(http, new_id):
    answer = http.start("waits_for_approval", new_id(), None, "?timeout=1&pollingInterval=1")
    assert answer.status == 202 and answer.json["id"], answer


def test_an_event_raised_over_http_reaches_python(http, client, new_id):
    instance = new_id()
    assert http.start("waits_for_approval", instance).status == 202
    assert http.raise_event(instance, "approval", {"by": "Zoë", "n": [1, 2.5]}).status == 202
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.get_output() == {"by": "Zoë", "n": [1, 2.5]}
    assert http.raise_event(instance, "approval", 1).status == 410


def test_the_links_in_the_answer_work(http, new_id):
    instance = new_id("blank and ü")
    body = http.start("waits_for_approval", instance).json
    for uri in body.values():
        assert uri == body["id"] or uri.startswith(f"http://127.0.0.1:{http.port}/"), uri
    local = lambda uri: uri.split(f":{http.port}", 1)[1]  # noqa: E731
    assert http.get(local(body["statusQueryGetUri"])).status == 202
    assert http.call("POST", local(body["suspendPostUri"]).replace("{text}", "why")).status == 202
    eventually(lambda: http.status(instance).json["runtimeStatus"] == "Suspended", "Suspended")
    assert http.call("POST", local(body["resumePostUri"]).replace("{text}", "why")).status == 202
    assert http.call("POST", local(body["sendEventPostUri"]).replace("{eventName}", "Approval"), "true").status == 202
    assert http.wait_for_end(instance)["output"] is True
    assert http.call("DELETE", local(body["purgeHistoryDeleteUri"])).status == 200
    assert http.get(local(body["statusQueryGetUri"])).status == 404


def test_history_over_http(http, new_id):
    instance = new_id()
    http.start("shouts_names", instance, ["a", "b"])
    http.wait_for_end(instance)
    rows = http.history(instance)
    assert [row["EventType"] for row in rows] == ["ExecutionStarted", "TaskCompleted", "TaskCompleted", "ExecutionCompleted"]
    assert rows[0]["FunctionName"] == "shouts_names"
    assert [(row["FunctionName"], row["Result"]) for row in rows[1:3]] == [("shout", "A"), ("shout", "B")]
    assert rows[3]["OrchestrationStatus"] == "Completed" and rows[3]["Result"] == ["A", "B"]
    plain = http.status(instance).json
    assert "historyEvents" not in plain
    without = http.status(instance, "?showHistory=true&showInput=false").json["historyEvents"]
    assert all("Result" not in row and "Input" not in row for row in without)


def test_running_and_failed_over_http(http, new_id):
    instance = new_id()
    http.start("breaks", instance)
    answer = eventually(lambda: http.status(instance), "status")
    assert answer.status == 202 and answer.headers["Retry-After"] == "5" and answer.headers["Location"]
    gates.open(instance)
    status = http.wait_for_end(instance)
    assert status["runtimeStatus"] == "Failed" and "broken on purpose" in status["output"]
    assert http.status(instance, "?returnInternalServerErrorOnFailure=true").status == 500


def test_custom_status_and_operations_over_http(http, client, new_id):
    instance = new_id()
    http.start("waits_for_approval", instance)
    eventually(lambda: http.status(instance).json["customStatus"] == {"waiting": True}, "custom status")
    assert http.operation(instance, "suspend", "a b").status == 202
    eventually(lambda: client.get_orchestration_state(instance).runtime_status == OrchestrationStatus.SUSPENDED, "SUSPENDED")
    assert http.operation(instance, "suspend").status == 409
    assert http.operation(instance, "resume").status == 202
    eventually(lambda: client.get_orchestration_state(instance).runtime_status == OrchestrationStatus.RUNNING, "RUNNING")
    assert http.operation(instance, "resume").status == 409
    assert http.purge(instance).status == 412
    assert http.operation(instance, "terminate", "over & out").status == 202
    status = http.wait_for_end(instance)
    assert status["runtimeStatus"] == "Terminated" and status["output"] == "over & out"
    assert http.operation(instance, "terminate").status == 410
    assert http.operation(instance, "suspend").status == 410
    purged = http.purge(instance)
    assert purged.status == 200 and purged.json == {"instancesDeleted": 1}
    assert client.get_orchestration_state(instance) is None


def test_started_over_grpc_ended_over_http(http, client, new_id):
    instance = client.schedule_new_orchestration(waits_for_approval, instance_id=new_id())
    assert http.operation(instance, "terminate", "bye").status == 202
    state = client.wait_for_orchestration_completion(instance, timeout=20)
    assert state.runtime_status == OrchestrationStatus.TERMINATED
    assert state.serialized_output in ("bye", '"bye"')  # the reason is text, and as such need not be JSON


def test_of_64_starts_of_one_id_one_gets_202(http, new_id):
    instance = new_id()
    with ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda _: http.start("waits_for_approval", instance).status, range(64)))
    assert sorted(answers) == [202] + [409] * 63


def test_an_ended_id_starts_anew_over_http(http, new_id):
    instance = new_id()
    for name in ("first", "second"):
        assert http.start("shouts_names", instance, [name]).status == 202
        assert http.wait_for_end(instance)["output"] == [name.upper()]


def test_a_sample_runs_beside_a_python_worker(http):
    answer = http.start("HelloCities", None, None, "?timeout=20&pollingInterval=1")
    assert answer.status == 200 and answer.json == ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"], answer


def test_missing_instances_are_404(http):
    missing = "never-started"
    answers = [http.status(missing), http.raise_event(missing, "x", 1), http.purge(missing)]
    answers += [http.operation(missing, operation) for operation in ("terminate", "suspend", "resume")]
    assert [answer.status for answer in answers] == [404] * 6
    assert not any(answer.body for answer in answers)


def test_broken_json_starts_nothing(http, new_id):
    instance = new_id()
    answer = http.call("POST", f"{BASE}/orchestrators/shouts_names/{instance}", b"{broken")
    assert answer.status == 400 and answer.json["ExceptionMessage"], answer
    assert http.status(instance).status == 404
