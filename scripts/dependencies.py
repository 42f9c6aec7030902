"""Holds what durahub is built from to deny.toml: licences, sources, crates that are banned or there twice, and packages of npm without a
checksum. Reads Cargo.lock (through cargo metadata) and every package-lock.json of the tree; asks no server, so it knows nothing of
advisories: `cargo deny check advisories` and `npm audit` do, where their databases can be reached.
"""

import collections
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent


def allowed(expression: str, licences: set[str]) -> bool:
    """Whether an SPDX expression can be satisfied with these licences alone. AND binds more tightly than OR; `/` is an old OR."""
    tokens = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))

    def either() -> bool:
        result = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            result |= both()
        return result

    def both() -> bool:
        result = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            result &= one()
        return result

    def one() -> bool:
        name = tokens.pop(0) if tokens else ""
        if name == "(":
            result = either()
            if not tokens or tokens.pop(0) != ")":
                raise ValueError(f"not an SPDX expression: {expression}")
            return result
        if tokens and tokens[0] == "WITH":
            name = f"{name} WITH {tokens[1]}"
            del tokens[:2]
        return name in licences

    result = either()
    if tokens:
        raise ValueError(f"not an SPDX expression: {expression}")
    return result


def crates(policy: dict) -> list[str]:
    """What is wrong with the crates."""
    command = ["cargo", "metadata", "--format-version", "1", "--locked"]
    found = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    licences = set(policy["licenses"]["allow"])
    registries = {f"registry+{address}" for address in policy["sources"]["allow-registry"]}
    banned = {entry["crate"]: entry["reason"] for entry in policy["bans"]["deny"]}
    skipped = set(policy["bans"]["skip"])
    wrong, versions = [], collections.defaultdict(set)
    for package in found["packages"]:
        name = f"{package['name']} {package['version']}"
        versions[package["name"]].add(package["version"])
        ours = package["id"] in found["workspace_members"]
        if not ours and package["source"] not in registries:
            wrong.append(f"{name} comes from {package['source'] or 'a path'}")
        if not allowed(package["license"] or "none", licences):
            wrong.append(f"{name} has the licence {package['license']}")
        if package["name"] in banned:
            wrong.append(f"{name} is banned: {banned[package['name']]}")
        if ours:
            for dependency in package["dependencies"]:
                if dependency["req"] == "*":
                    wrong.append(f"{dependency['name']} is asked for in any version")
    twice = {name for name, all_of_it in versions.items() if len(all_of_it) > 1}
    for name in sorted(twice - skipped):
        wrong.append(f"{name} is there in the versions {', '.join(sorted(versions[name]))}, and is not in bans.skip")
    for name in sorted(skipped - twice):
        wrong.append(f"{name} is in bans.skip and is there only once")
    print(f"{len(found['packages'])} crates, {len(twice)} in several versions")
    return wrong


def npm(policy: dict, lock: Path) -> list[str]:
    """What is wrong with the packages of one lock file. The licence matters where they become part of durahub, which is the dashboard."""
    licences = set(policy["licenses"]["allow"])
    wrong, where = [], lock.relative_to(ROOT)
    ships = where.parts[0] == "ui"
    packages = {name: found for name, found in json.loads(lock.read_text())["packages"].items() if name}
    for name, found in packages.items():
        if not found.get("integrity", "").startswith("sha512-"):
            wrong.append(f"{where}: {name} has no checksum")
        if "resolved" in found:
            wrong.append(f"{where}: {name} names an address")
        if ships and not allowed(found.get("license", "none"), licences):
            wrong.append(f"{where}: {name} has the licence {found.get('license')}")
    print(f"{len(packages)} packages in {where}")
    return wrong


def main() -> int:
    policy = tomllib.loads((ROOT / "deny.toml").read_text())
    wrong = crates(policy)
    tracked = subprocess.run(
        ["git", "ls-files", "*package-lock.json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True
    )
    for lock in tracked.stdout.split():
        wrong += npm(policy, ROOT / lock)
    for line in wrong:
        print(f"deny.toml: {line}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
