"""An image model's spec -> an engine that joins the worker. Only `build` imports a runtime.

The spec is one string, the one setting that chooses the model:

    embedded              the project's own
    models/some-folder    a diffusers folder
    organisation/name     a hub repository, such as stabilityai/sd-turbo
    none
"""

from __future__ import annotations

import logging
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from antiphon_engines.api import Absent, Engine, EngineUnavailable, Later
from antiphon_engines.backends.residency import Residency
from antiphon_engines.catalogue import HUB_ID, IMAGE_WEIGHTS, Description
from antiphon_engines.config import WorkerConfig

logger = logging.getLogger(__name__)


class DiffusersModel(Struct, frozen=True):
    """A diffusers folder, or the id of a hub repository (`local` False: it may be downloaded)."""

    source: str
    local: bool


class EmbeddedImageModel(Struct, frozen=True):
    """The project's own image model."""


ImageSource: TypeAlias = EmbeddedImageModel | DiffusersModel


def parse(spec: str) -> ImageSource | None:
    """The model that an image spec names; None for `none`. Looks at the local disk only. Raises EngineUnavailable."""
    spec = spec.strip()
    match spec:
        case "none":
            return None
        case "embedded":
            return EmbeddedImageModel()
    path = Path(spec).expanduser()
    if spec and path.is_dir():
        if not (path / "model_index.json").is_file():
            raise EngineUnavailable(f"{spec} holds no model_index.json: it is not a diffusers folder")
        return DiffusersModel(source=str(path), local=True)
    if HUB_ID.fullmatch(spec):
        return DiffusersModel(source=spec, local=False)
    raise EngineUnavailable(
        f"there is no image model {spec!r}: give embedded, a diffusers folder, a hub id or none"
    )


def describe(spec: str) -> Description | None:
    """A cheap account of an image spec; None for `none`. Raises EngineUnavailable."""
    match parse(spec):
        case None:
            return None
        case EmbeddedImageModel():
            return Description(name="antiphon-image", backend="torch", note="the embedded image model")
        case DiffusersModel(source=source, local=local):
            note = "a diffusers folder" if local else "a hub repository"
            return Description(name=Path(source).name if local else source, backend="torch", note=note)


def check(spec: str) -> ImageSource | None:
    """The model that an image spec names, if everything that it needs is here. Imports no runtime. Raises
    EngineUnavailable."""
    source = parse(spec)
    for module in ("torch", "diffusers", "transformers", "PIL") if source is not None else ():
        if find_spec(module) is None:
            raise EngineUnavailable(f"pictures need {module}; run: pip install 'antiphon[image]'")
    if isinstance(source, EmbeddedImageModel) and not IMAGE_WEIGHTS.is_dir():
        raise EngineUnavailable("the embedded image model is not part of this installation")
    return source


def build(config: WorkerConfig, residency: Residency | None = None) -> Engine | None:
    """The engine that `config.image_model` names, ready to step; None for `none`. Call in the worker process: it
    imports torch. Raises EngineUnavailable with a line that tells people how to solve it."""
    source = check(config.image_model)
    return None if source is None else _build(source, config, residency)


def later(config: WorkerConfig, residency: Residency | None = None) -> Later | Absent | None:
    """The image engine that joins the worker, or why there is none; None for `none`."""
    name = config.image_model
    try:
        if (described := describe(name)) is not None:
            name = described.name
        source = check(config.image_model)
    except EngineUnavailable as error:
        logger.warning("there will be no pictures: %s", error)
        return Absent("image", name, error.message)
    return None if source is None else Later("image", name, partial(_build, source, config, residency))


def _build(source: ImageSource, config: WorkerConfig, residency: Residency | None) -> Engine:
    from antiphon_engines.image import building

    if isinstance(source, EmbeddedImageModel):
        return building.build_embedded(config, residency)
    return building.build(source.source, config, residency, local=source.local)
