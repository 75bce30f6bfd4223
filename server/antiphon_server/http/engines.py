"""The operator's view of the engines: which models serve, and changing them. With an operator's token."""

from __future__ import annotations

from typing import Annotated, Any, get_args

from aiohttp import web
from msgspec import Meta, Struct

from antiphon_engines.api import Modality
from antiphon_proto.errors import NotFound
from antiphon_server.gateway import GATEWAY, Gateway
from antiphon_server.http.access import bearer, json_body, named

_NO_STORE = {"Cache-Control": "no-store"}
_MODALITIES: tuple[Modality, ...] = get_args(Modality)


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    model: Annotated[str, Meta(min_length=1, max_length=1024)]


async def show_engines(request: web.Request) -> web.Response:
    """`GET /api/engines` -> `{"status", "message", "models": [...], "choices": {modality: [names]}}`."""
    return web.json_response(_account(_gateway(request)), headers=_NO_STORE)


async def use_model(request: web.Request) -> web.Response:
    """`PUT /api/engines/{modality}` `{"model": name}` -> 202 and the account: the model is being loaded."""
    gateway = _gateway(request)
    modality = request.match_info["modality"]
    if modality not in _MODALITIES:
        raise NotFound(f"there is no modality {modality!r}: {', '.join(_MODALITIES)}")
    wish = await json_body(request, Wish)
    gateway.model_desk.use(modality, wish.model)
    return web.json_response(_account(gateway), status=202, headers=_NO_STORE)


def _gateway(request: web.Request) -> Gateway:
    """Raises Unauthorized for anybody but the operator."""
    gateway = request.app[GATEWAY]
    gateway.tokens.verify_operator(bearer(request))
    return gateway


def _account(gateway: Gateway) -> dict[str, Any]:
    state = gateway.engine.state
    return {
        "status": state.status,
        "message": state.message,
        "models": [named(model) for model in gateway.models()],
        "choices": {each: list(gateway.model_desk.choices(each)) for each in _MODALITIES},
    }


ROUTES = (
    web.get("/api/engines", show_engines),
    web.put("/api/engines/{modality}", use_model),
)
