"""Low-rank adapters (https://arxiv.org/abs/2106.09685) that a job may ask for, through peft: they lie beside the
denoiser's weights and are switched on for the calls of those jobs alone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.params import Adapter

logger = logging.getLogger(__name__)


def offer(pipeline: Any, files: Mapping[str, str]) -> None:
    """Load every adapter under its name, switched off. Raises EngineUnavailable for one that does not fit."""
    if not files:
        return
    for name, path in files.items():
        if not Path(path).is_file():
            raise EngineUnavailable(f"image_adapters: there is no file {path}")
        try:
            weights, alphas = pipeline.lora_state_dict(path)
            # The text encoder's part is left out: texts are kept encoded, for all jobs alike.
            pipeline.load_lora_into_unet(weights, alphas, pipeline.unet, adapter_name=name)
        except Exception as error:  # peft and diffusers name no base class for a file that does not fit
            reason = " ".join(str(error).split())[:300]
            raise EngineUnavailable(
                f"the adapter {name} does not fit: {type(error).__name__}: {reason}"
            ) from error
        if name not in offered(pipeline.unet):
            raise EngineUnavailable(f"the adapter {name} holds nothing for this model's denoiser")
    pipeline.unet.disable_lora()


def offered(denoiser: Any) -> frozenset[str]:
    """Names of the adapters that a denoiser was given."""
    return frozenset(getattr(denoiser, "peft_config", {}))


@contextmanager
def applied(denoiser: Any, adapters: Sequence[Adapter]) -> Iterator[None]:
    """Switch adapters on for a block."""
    denoiser.set_adapters([each.name for each in adapters], [each.scale for each in adapters])
    denoiser.enable_lora()
    try:
        yield
    finally:
        denoiser.disable_lora()
