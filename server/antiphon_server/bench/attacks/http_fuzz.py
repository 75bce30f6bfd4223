"""Sends every HTTP route valid and invalid requests by its OpenAPI description, and counts the answers.

`python -m antiphon_server.bench.attacks.http_fuzz --requests N` starts a server of its own and prints one JSON
object; `fuzz` asks one that runs. Needs `schemathesis` (the extra [dev]).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
import time
from asyncio.subprocess import PIPE
from collections import Counter
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, field, to_builtins

_GENEROUS: Final = {
    "ROOMS_PER_MINUTE": "1e6",
    "ROOM_BURST": "10000",
    "UPLOADS_PER_MINUTE": "1e6",
    "UPLOAD_BURST": "10000",
    "HISTORY_PER_MINUTE": "1e6",
    "HISTORY_BURST": "10000",
    "CONVERSIONS_PER_MINUTE": "1e6",
    "CONVERSION_BURST": "10000",
    "LOOKUPS_PER_MINUTE": "1e6",
    "LOOKUP_BURST": "100000",
    "READING_BYTES_PER_SECOND": "1e9",
}
"""Limits of the server under test: a request that is refused for its rate tries nothing."""
_ARGUMENTS: Final = ("--text-model=http://127.0.0.1:9/v1#nobody", "--image-model=none", "--music-model=none")
_READY: Final = 60.0
_DEAR: Final = ("/jam/export", "/jam/exports", "/jam/sessions", "/export", "/import", "/fork")
"""Routes that start a process or make a room: asked less often."""


class Target(Struct, frozen=True):
    """A room that the requests are about, and its tokens."""

    url: str
    room: str
    tokens: dict[str, str]
    session: str = ""
    operator: str = ""
    asset: str = "0" * 64


class Fuzzed(Struct):
    """The outcome. `failures`: the first requests that were answered with 5xx, or not at all."""

    requests: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    server_errors: int = 0
    tracebacks: int = 0
    seconds: float = 0.0


def fuzz(target: Target, requests: int, seed: int = 0) -> Fuzzed:
    """Ask about `requests` times, spread over all operations; blocks, so run it in a thread. Valid and invalid requests
    take turns, most with a token that fits. 507 and 503 count as server errors, too."""
    import requests as client
    import schemathesis
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import seed as seeded
    from schemathesis import GenerationMode

    chance = random.Random(seed)
    found, statuses = Fuzzed(), Counter[str]()
    began = time.monotonic()
    with client.Session() as line:
        described = line.get(f"{target.url}/api/openapi.json", timeout=30).json()
        schema: Any = schemathesis.openapi.from_dict(described)
        operations = [one.ok() for one in schema.get_all_operations()]
        weights = [0.15 if one.path.endswith(_DEAR) else 1.0 for one in operations]
        for operation, weight in zip(operations, weights, strict=True):
            share = max(2, round(requests * weight / sum(weights)))
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

                def ask(case: Any) -> None:
                    answer = _ask(case, target, line, chance)
                    found.requests += 1
                    statuses[answer] += 1
                    if not answer.isdigit() or int(answer) >= 500:
                        found.server_errors += 1
                        if len(found.failures) < 20:
                            found.failures.append(f"{answer} {case.method} {case.formatted_path}"[:300])

                try:
                    strategy = operation.as_strategy(generation_mode=mode)
                    rules = settings(
                        max_examples=max(1, share // 2),
                        database=None,
                        deadline=None,
                        phases=[Phase.generate],
                        suppress_health_check=list(HealthCheck),
                    )
                    seeded(seed)(rules(given(case=strategy)(ask)))()
                except Exception as error:
                    if (
                        "nsatisfiable" not in type(error).__name__
                    ):  # nothing is invalid where nothing is asked for
                        raise
    found.statuses = dict(statuses.most_common())
    found.seconds = round(time.monotonic() - began, 1)
    return found


def _ask(case: Any, target: Target, line: Any, chance: random.Random) -> str:
    """The status, or the name of the connection's error."""
    import requests as client

    if chance.random() < 0.9 and "room" in case.path_parameters:
        case.path_parameters["room"] = target.room
    if chance.random() < 0.6 and "sha256" in case.path_parameters:
        case.path_parameters["sha256"] = target.asset
    if chance.random() < 0.6 and "seq" in case.path_parameters:
        case.path_parameters["seq"] = chance.randrange(4)
    tokens = list(target.tokens.values()) * 3 + [target.tokens["owner"]] * 6 + ["x", ""]
    token = target.operator if case.path in ("/api/engines", "/api/engines/{modality}", "/metrics") else ""
    headers = {"Authorization": f"Bearer {token or chance.choice(tokens)}"}
    if target.session and chance.random() < 0.8:
        headers["X-Antiphon-Session"] = target.session
    if case.path.endswith("/links/{link}") and chance.random() < 0.9:
        case.query.pop("members", None) if case.query else None
    try:
        answer = case.call(base_url=target.url, session=line, headers=headers, timeout=60)
        return str(answer.status_code)
    except client.exceptions.RequestException as error:
        if isinstance(error, client.exceptions.InvalidHeader | client.exceptions.InvalidURL):
            return "0"
        return type(error).__name__


async def _main(requests: int, seed: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        limits = {f"ANTIPHON_LIMITS__{name}": value for name, value in _GENEROUS.items()}
        with log.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",
                "-m",
                "antiphon_server",
                "serve",
                "--port=0",
                "--log-format=json",
                f"--data-dir={folder}/data",
                *_ARGUMENTS,
                stdout=PIPE,
                stderr=stderr,
                env={**os.environ, **limits},
            )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(_READY):
                url = json.loads(await process.stdout.readline())["url"]
            found = await asyncio.to_thread(fuzz, await prepare(url, Path(folder) / "data"), requests, seed)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
        found.tracebacks = tracebacks(log)
    print(json.dumps(to_builtins(found), indent=1))
    return 1 if found.server_errors or found.tracebacks else 0


async def prepare(url: str, data_dir: Path) -> Target:
    """A room with something in it, its owner's session, and the operator's token of a server with that data folder."""
    import aiohttp

    from antiphon_proto.codec import encode, server_decoder
    from antiphon_proto.messages import VERSION, Hello, Welcome
    from antiphon_server.core.join_tokens import Tokens, load_key

    async with aiohttp.ClientSession(url) as http:
        async with http.post("/api/rooms") as answer:
            made = await answer.json()
        async with http.ws_connect("/ws") as socket:
            await socket.send_bytes(encode(Hello(VERSION, made["tokens"]["owner"], "Owner", 1)))
            welcome = server_decoder().decode(await socket.receive_bytes())
            assert isinstance(welcome, Welcome)
    key = load_key(data_dir / "join.key")
    operator = Tokens(key).operator(86_400)
    return Target(url, made["room"], made["tokens"], welcome.session, operator)


def tracebacks(log: Path) -> int:
    """Lines of a log (`--log-format=json`) that hold an exception, or are none of its lines."""
    count = 0
    for line in log.read_text(errors="replace").splitlines():
        try:
            count += "exception" in json.loads(line)
        except ValueError:
            count += "Traceback" in line or "panicked" in line
    return count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.exit(asyncio.run(_main(options.requests, options.seed)))
