"""`antiphon models use`: switch the model of a running server, for users who can read its data folder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import Better

_LIFETIME: Final = 3600.0
"""Seconds for which the token is good: loading may take long."""
_PAUSE: Final = 1.0
"""Between two looks at how far it is."""


class CannotUse(AntiphonError):
    """The server cannot be reached, or another model cannot serve; the message is one clear line."""

    code = ErrorCode.UNAVAILABLE


def use_model(
    modality: Annotated[str, typer.Argument(help="text, image, audio or speech")],
    name: Annotated[str, typer.Argument(help="A model among those set (text_models, ...), by its name")],
    data_dir: Annotated[Path | None, typer.Option(help="The server's data folder, with its key")] = None,
    config: Annotated[Path | None, typer.Option(help="The server's settings file (TOML)")] = None,
    url: Annotated[str, typer.Option(help="Address of the server")] = "http://127.0.0.1:8080",
) -> None:
    """Let another model serve new runs. Runs under way end on theirs; if it cannot be loaded, nothing changes."""
    from antiphon_server.config import load
    from antiphon_server.core.join_tokens import Tokens, load_key

    folder = load(config, {"data_dir": data_dir}).data_dir
    if not (folder / "join.key").is_file():
        raise CannotUse(f"{folder} holds no key of a server; name its folder with --data-dir")
    token = Tokens(load_key(folder / "join.key")).operator(_LIFETIME)
    asyncio.run(_use(url.rstrip("/"), token, modality, name, typer.echo))


async def _use(base: str, token: str, modality: str, name: str, say: Callable[[str], None]) -> None:
    import aiohttp

    try:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
            async with http.put(f"{base}/api/engines/{modality}", json={"model": name}) as answer:
                account = await _account(answer)
            model = _of(account, modality)
            comes = "is fetched first" if _under_way(model) else "is being loaded"
            say(f"{name} {comes}; {model['name']} serves meanwhile")
            told = 0
            while model["coming"] or _under_way(model):
                better = _better(model)
                if better is not None and int(10 * better.fraction) > told:
                    told = int(10 * better.fraction)
                    say(f"{name}: {better.stage} {10 * told} %")
                await asyncio.sleep(_PAUSE)
                async with http.get(f"{base}/api/engines") as answer:
                    model = _of(await _account(answer), modality)
            better = _better(model)
            if better is not None and better.name == name and better.stage == "stays":
                raise CannotUse(f"{name} is not available: {better.reason}; {model['name']} serves on")
            if model["refused"]:
                raise CannotUse(f"{model['refused']}; {model['name']} serves on")
            say(f"{model['name']} serves {modality} now")
    except (aiohttp.ClientError, ValueError) as error:
        raise CannotUse(f"cannot reach {base}: {error}") from None


def _better(model: dict[str, Any]) -> Better | None:
    """The current fetch, or the reason of its failure."""
    told = model.get("better")
    return None if told is None else msgspec.convert(told, Better)


def _under_way(model: dict[str, Any]) -> bool:
    better = _better(model)
    return better is not None and better.stage != "stays"


async def _account(answer: Any) -> dict[str, Any]:
    body: dict[str, Any] = await answer.json()
    if answer.status >= 400:
        raise CannotUse(f"the server refuses: {body.get('error', {}).get('message', answer.reason)}")
    return body


def _of(account: dict[str, Any], modality: str) -> dict[str, Any]:
    for model in account["models"]:
        if model["modality"] == modality:
            found: dict[str, Any] = model
            return found
    raise CannotUse(f"the server has no {modality} engine: {account['message'] or 'none is set'}")
