"""The stock client of azure-functions-durable, unmodified, pointed at the server under test."""

from __future__ import annotations

import asyncio
import datetime
import functools
import inspect
import json
import shutil
import tempfile
import time

from azure.durable_functions import DurableOrchestrationClient
from azure.durable_functions.models.utils import http_utils

import harness

PUBLIC = "/runtime/webhooks/durabletask"
RPC = "/durabletask"
FINISHED = {"Completed", "Failed", "Terminated", "Canceled"}

# The client keeps one HTTP session for the process, bound to the event loop: there is one loop for all tests.
_loop = asyncio.new_event_loop()


def run(coroutine):
    return _loop.run_until_complete(coroutine)


def together(*coroutines):
    """Runs them at the same time. Returns results and exceptions, in order."""
    async def gather():
        return await asyncio.gather(*coroutines, return_exceptions=True)
    return run(gather())


# ---------------------------------------------------------------------------------------------------- server

@functools.cache
def shared_server():
    """One server for the whole run, there from the collection on, because files ask it what it can do."""
    directory = tempfile.mkdtemp(prefix="durahub-http-")
    return harness.Server(directory).start()


def shut_down():
    run(http_utils._close_session())
    if shared_server.cache_info().currsize:
        server = shared_server()
        server.close()
        shutil.rmtree(server.directory, ignore_errors=True)
    _loop.close()


# ---------------------------------------------------------------------------------------------------- client

def binding(origin, mount=PUBLIC):
    """What the Functions host hands to a client. Links always lead to the public mount, calls to `mount`."""
    public, query = f"{origin}{PUBLIC}/", "taskHub=default&connection=Storage&code=k"
    one = f"{public}instances/INSTANCEID"
    operations = {f"{verb}PostUri": f"{one}/{verb}?reason={{text}}&{query}"
                  for verb in ("terminate", "rewind", "suspend", "resume")}
    create = f"{public}orchestrators/{{functionName}}[/{{instanceId}}]?"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    return json.dumps({
        "taskHubName": "default",
        "connectionName": None,
        "creationUrls": {"createNewInstancePostUri": f"{create}code=k",
                         "createAndWaitOnNewInstancePostUri": f"{create}{wait}&code=k"},
        "managementUrls": {"id": "INSTANCEID", "statusQueryGetUri": f"{one}?{query}",
                           "purgeHistoryDeleteUri": f"{one}?{query}",
                           "sendEventPostUri": f"{one}/raiseEvent/{{eventName}}?{query}",
                           "restartPostUri": f"{one}/restart?{query}", **operations},
        "baseUrl": public[:-1],
        "requiredQueryStringParameters": "code=k",
        "rpcBaseUrl": f"{origin}{mount}/",
        "httpBaseUrl": None,
    })


class Client:
    """The stock client with each coroutine run to its end. What the tests need besides is below; `stock` is the real one."""

    def __init__(self, server, mount=PUBLIC, invocation_id=None):
        self.http = server.http
        self.origin = f"http://{server.address}"
        self.stock = DurableOrchestrationClient(binding(self.origin, mount), invocation_id)

    def __getattr__(self, name):
        method = getattr(self.stock, name)

        @functools.wraps(method)
        def call(*arguments, **options):
            result = method(*arguments, **options)
            return run(result) if inspect.iscoroutine(result) else result
        return call

    def state(self, instance):
        """The runtime status by name, None if there is no such instance."""
        status = self.get_status(instance)
        return status.runtime_status.name if status else None

    def wait_for(self, instance, *states):
        """Waits until the instance is in one of the states and returns its status."""
        def there():
            status = self.get_status(instance)
            assert status, f"no instance {instance}"
            assert status.runtime_status.name in states, status.to_json()
            return status
        return harness.eventually(there, f"{instance} to be {' or '.join(states)}")

    def wait_for_end(self, instance):
        return self.wait_for(instance, *FINISHED)

    def follow(self, method, link, body=None):
        """Calls a link of a payload, which must lead to this server."""
        assert link.startswith(self.origin + "/"), link
        return self.http.call(method, link.removeprefix(self.origin), body)


def now():
    """UTC without a zone, as the client wants it, and later than any such time given out before by a few milliseconds."""
    start = time.monotonic()
    while time.monotonic() < start + 0.005:
        pass
    return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
