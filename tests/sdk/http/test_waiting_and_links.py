"""wait_for_completion_or_create_check_status_response, create_check_status_response, create_http_management_payload."""

import asyncio
import json
from urllib.parse import quote

import azure.functions
import pytest

from stock import run

FIELDS = {"id", "statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "rewindPostUri", "purgeHistoryDeleteUri",
          "restartPostUri", "suspendPostUri", "resumePostUri"}


def body(response):
    return json.loads(response.get_body())


def wait(client, instance, timeout=20_000, interval=20):
    return client.wait_for_completion_or_create_check_status_response(None, instance, timeout, interval)


# ---------------------------------------------------------------------------------------------------- waiting

def test_waiting_gives_the_output(client, new_id):
    response = wait(client, client.start_new("HelloCities", new_id()))
    assert response.status_code == 200 and body(response) == ["Hello, Tokyo!", "Hello, Seattle!", "Hello, London!"]


def test_waiting_gives_a_text_without_quotes(client, new_id):
    response = wait(client, client.start_new("tells_version", new_id(), None, "v1"))
    assert response.status_code == 200 and response.get_body() == b"v1"


def test_waiting_for_an_output_of_nothing_gives_null(client, new_id):
    response = wait(client, client.start_new("echoes", new_id()))
    assert response.status_code == 200 and response.get_body() == b"null"


def test_waiting_ends_as_soon_as_the_instance_does(client, started):
    instance = started("Running")

    async def both():
        waiting = asyncio.ensure_future(
            client.stock.wait_for_completion_or_create_check_status_response(None, instance, 20_000, 20))
        await client.stock.raise_event(instance, "Go", [1])
        return await waiting

    response = run(both())
    assert response.status_code == 200 and body(response) == [1]


def test_waiting_for_a_failure_gives_500_and_the_status(client, new_id):
    instance = client.start_new("breaks", new_id())
    response = wait(client, instance)
    assert response.status_code == 500
    assert body(response)["runtimeStatus"] == "Failed" and body(response)["instanceId"] == instance
    assert "broken on purpose" in body(response)["output"]


def test_waiting_for_a_terminated_instance_gives_its_status(client, started):
    response = wait(client, started("Terminated"))
    assert response.status_code == 200
    assert body(response)["runtimeStatus"] == "Terminated" and body(response)["output"] == "over"


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
def test_a_wait_that_runs_out_gives_the_links(client, started, state):
    instance = started(state)
    response = wait(client, instance, timeout=60, interval=20)
    assert response.status_code == 202 and body(response) == client.create_http_management_payload(instance)


def test_waiting_for_an_unknown_instance_gives_the_links_in_the_end(client, new_id):
    assert wait(client, new_id(), timeout=60, interval=20).status_code == 202


def test_an_interval_longer_than_the_wait_is_refused(client, new_id):
    with pytest.raises(Exception, match="should be bigger than"):
        wait(client, new_id(), timeout=10, interval=20)


# ---------------------------------------------------------------------------------------------------- links

def test_a_check_status_response_points_at_the_instance(client, new_id):
    instance = new_id()
    response = client.create_check_status_response(None, instance)
    links = body(response)
    assert response.status_code == 202 and response.headers["Retry-After"] == "10"
    assert set(links) == FIELDS and links["id"] == instance
    assert response.headers["Location"] == links["statusQueryGetUri"]
    assert links == client.create_http_management_payload(instance)


def test_a_check_status_response_takes_the_origin_of_the_request(client, new_id):
    request = azure.functions.HttpRequest("GET", "https://example.org:8443/api/start?x=1", body=b"")
    links = body(client.create_check_status_response(request, new_id()))
    assert all(link.startswith("https://example.org:8443/runtime/") for name, link in links.items() if name != "id")


@pytest.mark.parametrize("suffix", ["plain", "a b", "ü", "a|b"])
def test_every_link_of_a_management_payload_works(client, new_id, suffix):
    instance = new_id(suffix)
    client.start_new("waits", instance)
    client.wait_for(instance, "Running")
    links = client.create_http_management_payload(instance)
    # The client puts the id in as it is; whoever follows a link escapes what a request line cannot hold.
    links = {name: link.replace(instance, quote(instance)) for name, link in links.items()}
    operation = lambda name: links[name].replace("{text}", "why")  # noqa: E731
    assert client.follow("GET", links["statusQueryGetUri"]).status == 202
    assert client.follow("POST", operation("suspendPostUri")).status == 202
    client.wait_for(instance, "Suspended")
    assert client.follow("POST", operation("resumePostUri")).status == 202
    client.wait_for(instance, "Running")
    assert client.follow("POST", links["sendEventPostUri"].replace("{eventName}", "Other"), "1").status == 202
    assert client.follow("POST", operation("terminatePostUri")).status == 202
    assert client.wait_for(instance, "Terminated").output == "why"
    assert client.follow("DELETE", links["purgeHistoryDeleteUri"]).json == {"instancesDeleted": 1}
    assert client.follow("GET", links["statusQueryGetUri"]).status == 404
