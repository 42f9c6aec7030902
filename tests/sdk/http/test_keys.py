"""A server with keys. The stock client sends none at the mount that it calls; the links that it makes carry one."""

from __future__ import annotations

import hashlib

import pytest

import harness
import stock

# The key in stock.binding, as a Functions host would hand it out.
KEY = "k"


@pytest.fixture
def guarded(tmp_path):
    """guarded(...) starts a server that asks for the key."""
    servers = []

    def start(**settings):
        environment = {"DURAHUB__AUTH__KEYS": f"host:operate:{hashlib.sha256(KEY.encode()).hexdigest()}", **settings}
        server = harness.Server(tmp_path / f"{len(servers)}", environment=environment).start()
        servers.append(server)
        return server
    yield start
    for server in servers:
        server.close()


def test_the_client_that_sends_no_key_is_refused_at_both_mounts(guarded, mount, new_id):
    client = stock.Client(guarded(), mount)
    for call in (lambda: client.start_new("HumanApproval", new_id()), lambda: client.get_status(new_id()),
                 lambda: client.terminate(new_id(), "why"), lambda: client.get_status_all()):
        with pytest.raises(Exception) as refused:
            call()
        assert KEY not in str(refused.value).split()


def test_an_open_mount_serves_it_on_this_machine_and_its_links_work(guarded, new_id):
    server = guarded(DURAHUB__AUTH__OPEN_RPC_MOUNT="true")
    client = stock.Client(server, stock.RPC)
    instance = new_id()
    assert client.start_new("HumanApproval", instance) == instance
    client.wait_for(instance, "Running")
    links = client.create_http_management_payload(instance)
    assert f"code={KEY}" in links["statusQueryGetUri"]
    poll = client.follow("GET", links["statusQueryGetUri"])
    assert poll.status == 202
    # What the server says about where to look next holds no key any more, and leads there.
    location = poll.headers["Location"]
    assert "code=l1." in location and f"code={KEY}&" not in location + "&"
    assert client.follow("GET", location).status == 202
    other = client.follow("GET", location.replace(instance, "another"))
    assert other.status == 403
    assert client.follow("POST", links["sendEventPostUri"].replace("{eventName}", "Approval"), True).status == 202
    client.wait_for(instance, "Completed")
    with pytest.raises(Exception):
        stock.Client(server, stock.PUBLIC).get_status(instance)
