"""openapi.yaml against the binary: whatever requests it allows, and many that it does not, are answered as it says."""

import collections
import os

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, seed, settings
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis.specs.openapi import checks as openapi_checks

import harness

SEED = int(os.environ.get("DURAHUB_FUZZ_SEED", "1"))
EXAMPLES = int(os.environ.get("DURAHUB_FUZZ_EXAMPLES", "25"))
DESCRIPTION = harness.REPOSITORY / "openapi.yaml"

# The stream of changes does not end; it is tested in tests/it/events.rs.
schema = schemathesis.openapi.from_path(DESCRIPTION).exclude(path="/api/v1/events")

# Not among them: that bad values are refused (a value that cannot be parsed counts as absent, as the description says), and that
# a wrong method is 405 (it is 404, for compatibility).
CHECKS = [
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]


STATES = ["Completed", "Failed", "Terminated", "Running", "Suspended", "Pending"]
# What the other tests have seen, by operation: statuses.
seen = collections.defaultdict(set)


def instance(http, state):
    """A new instance in that state."""
    name = {"Completed": "HelloCities", "Failed": "OrderSaga", "Pending": "NobodyServesThis"}.get(state, "HumanApproval")
    # Not what OrderSaga wants.
    id = harness.unique(state)
    assert http.start(name, id, []).status == 202
    if state in ("Completed", "Failed"):
        assert http.wait_for_end(id)["runtimeStatus"] == state
    elif state != "Pending":
        harness.eventually(lambda: http.status(id).json["runtimeStatus"] == "Running", f"{id} to run")
    if state in ("Suspended", "Terminated"):
        assert http.operation(id, {"Suspended": "suspend", "Terminated": "terminate"}[state]).status == 202
        harness.eventually(lambda: http.status(id).json["runtimeStatus"] == state, f"{id} to be {state}")
    return id


@pytest.fixture
def instances(server):
    """One instance in each state."""
    return [instance(server.http, state) for state in STATES]


@pytest.fixture
def jobs(server):
    """A job that has ended. One that runs is rarely met, see tests/it/jobs.rs. There is a hub to be removed, too."""
    server.http.call("POST", "/api/v1/hubs", body={"name": "scratch"})
    return [server.http.call("POST", "/api/v1/jobs", body={"action": "purge", "instanceIds": []}).json["id"]]


@pytest.fixture(scope="session")
def entity(server):
    """The key of a counter with a state."""
    path = f"{harness.BASE}/entities/counter/k"
    assert server.http.call("POST", f"{path}?op=begin").status == 202
    harness.eventually(lambda: server.http.get(path).status == 200, "a state")
    return "k"


def test_the_description_is_valid():
    OpenAPIV31SpecValidator(yaml.safe_load(DESCRIPTION.read_text())).validate()


def test_the_binary_serves_the_description_it_was_built_with(server):
    answer = server.http.get("/openapi.yaml")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/yaml")
    assert answer.body == DESCRIPTION.read_bytes()


def failed_on_request(case, response):
    """The one server error there is: asked for, and told with the status of the instance that failed."""
    wanted = case.query.get("returnInternalServerErrorOnFailure") if case.query else None
    return response.status_code == 500 and str(wanted).lower() == "true" and response.json().get("runtimeStatus") == "Failed"


@schema.parametrize()
@seed(SEED)
@settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.explicit, Phase.generate],
          suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case, server, instances, entity, jobs):
    # Made-up ids would nearly always be unknown, and nobody serves made-up functions.
    for name, known in (("instanceId", instances), ("functionName", ["HelloCities", "OrderSaga"]),
                        ("entityName", ["counter"]), ("entityKey", [entity]), ("jobId", jobs), ("name", ["scratch"])):
        made_up = (case.path_parameters or {}).get(name)
        if isinstance(made_up, str) and len(made_up) % 4:
            case.path_parameters[name] = known[sum(map(ord, made_up)) % len(known)]
    response = case.call(base_url=f"http://{server.address}")
    if response.status_code >= 500:
        assert failed_on_request(case, response), response.text
    seen[case.operation.label].add(response.status_code)
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("path", ["orchestrators/{functionName}", "orchestrators/{functionName}/{instanceId}",
                                  "instances/{instanceId}/restart", "instances/{instanceId}/restartWithOptions"])
def test_who_waits_is_told_the_end(server, path):
    """Few of the requests above meet it, and waits are so short here that a machine may stall for as long."""
    target = f"{harness.BASE}/{path}"
    asked = target.format(functionName="HelloCities", instanceId=instance(server.http, "Completed"))
    harness.eventually(lambda: server.http.call("POST", f"{asked}?timeout=10", "[]").status == 200, "an end within the wait")
    seen[f"POST {target}"].add(200)


# Statuses that need more than a request: a secret or a key, one request after another, a slow sender, a large body, a hub with a limit
# (tests/it/overload.rs), a broken server.
ELSEWHERE = {"401", "403", "408", "413", "422", "429", "500", "503"}
# What hardly any made-up request meets: an instance that has failed, and has not been rewound yet (tests/sdk/http/test_rewinding.py), and
# one that is parked (tests/it/parked.rs).
RARE = {"rewindInstance": {"202", "400"}, "retryParkedInstance": {"202"}, "discardParkedInstance": {"202"},
        "startJob": {"404", "409"}, "stopJob": {"200"}, "deleteJob": {"409"}}


def test_what_is_described_has_been_met():
    operations = [operation.ok() for operation in schema.get_all_operations()]
    if (SEED, EXAMPLES) != (1, 25) or {operation.label for operation in operations} != set(seen):
        pytest.skip("only what is made by default, and all of it, is known to meet everything")
    missing = {}
    for operation in operations:
        raw = operation.definition.raw
        described = set(raw["responses"]) - ELSEWHERE - RARE.get(raw["operationId"], set())
        missing[operation.label] = described - {str(status) for status in seen[operation.label]}
    missing = {label: statuses for label, statuses in missing.items() if statuses}
    assert not missing, f"never seen, so not tested: {missing}"


@pytest.mark.parametrize("flag, status", [("false", 200), ("true", 500)])
def test_a_failure_is_a_server_error_only_on_request(server, flag, status):
    answer = server.http.status(instance(server.http, "Failed"), f"?returnInternalServerErrorOnFailure={flag}")
    assert (answer.status, answer.json["runtimeStatus"]) == (status, "Failed")


@pytest.mark.parametrize("operation", [operation.ok() for operation in schema.get_all_operations()],
                         ids=lambda operation: operation.label)
def test_every_answer_has_a_request_id(server, operation):
    path = operation.path.format(**{name: "x" for name in ("functionName", "instanceId", "eventName", "entityName", "entityKey", "part", "index", "page", "name", "jobId")})
    answer = server.http.call(operation.method.upper(), path, headers={"X-Request-Id": "mine-7"})
    assert answer.headers["X-Request-Id"] == "mine-7"
