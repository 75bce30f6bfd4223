"""Another model in the place of the one that serves."""

from __future__ import annotations

from typing import Literal

from antiphon_client.errors import RequestRefused
from antiphon_client.session.session import Session
from antiphon_proto.messages import ModelInfo, UseModel


async def use_model(
    session: Session, modality: Literal["text", "image", "audio", "speech"], model: str, timeout: float
) -> ModelInfo:
    """Ask for a model and wait, for `timeout` seconds, until it serves. Raises RequestRefused, also when it cannot be
    had, and NoAnswer."""

    def current() -> ModelInfo | None:
        return next((one for one in session.state.models if one.modality == modality), None)

    def over() -> bool:
        info = current()
        return info is not None and (_serves(info, model) or bool(_problem(info, model)))

    await session.exchange(UseModel(modality, model), modality, over, timeout=timeout)
    info = current()
    assert info is not None
    if not _serves(info, model):
        raise RequestRefused("unavailable", _problem(info, model))
    return info


def _serves(info: ModelInfo, model: str) -> bool:
    return info.name == model and info.ready and not info.coming


def _problem(info: ModelInfo, model: str) -> str:
    """Why the model cannot be had; empty while it may come."""
    if info.refused.startswith(f"{model}: ") and not info.coming:
        return info.refused
    better = info.better
    if better is not None and better.name == model and better.stage == "stays":
        return f"{model}: {better.reason}"
    return ""
