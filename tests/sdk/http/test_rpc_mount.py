"""The mount for clients inside a Functions host. That all other tests hold there too is seen to by conftest.py."""

import stock


def test_links_in_answers_lead_to_the_public_mount_and_work(server, new_id):
    instance = new_id()
    started = server.http.call("POST", f"{stock.RPC}/orchestrators/echoes/{instance}")
    assert started.status == 202 and started.json["id"] == instance
    links = {name: link for name, link in started.json.items() if name != "id"}
    assert all(link.startswith(f"http://{server.address}{stock.PUBLIC}/instances/") for link in links.values()), links
    assert server.http.get(links["statusQueryGetUri"].removeprefix(f"http://{server.address}")).status in (200, 202)


def test_the_prefix_matches_in_any_case_and_with_slashes_at_the_end(server, new_id):
    instance = new_id()
    assert server.http.call("POST", f"{stock.RPC.upper()}/orchestrators/echoes/{instance}/").status == 202
    assert server.http.get(f"{stock.RPC.upper()}/instances/{instance}/").status in (200, 202)
