"""A text model's spec -> engine. `parse` and `describe` are cheap and import no runtime; `build` runs in the worker
only.

A spec is one string, the one setting that chooses the model:

    smollm2-135m                    a name from the catalogue
    models/some-model.gguf          a GGUF file, through llama.cpp
    models/some-folder              a transformers checkpoint, through torch
    https://host/v1#model-name      any OpenAI-compatible server
    organisation/name               a hub repository, through torch
"""

from __future__ import annotations

import difflib
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from antiphon_engines.api import (
    NO_REMARK,
    Engine,
    EngineUnavailable,
    Remark,
)
from antiphon_engines.backends.residency import Residency
from antiphon_engines.catalogue import CATALOGUE, HUB_ID, Description, EmbeddedCard, PackagedGgufCard, find
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files import packaged_gguf
from antiphon_engines.model_files import prepare as preparation
from antiphon_engines.model_files.prepare import Progress


class GgufFile(Struct, frozen=True):
    path: Path


class TransformersModel(Struct, frozen=True):
    """A checkpoint folder, or the id of a hub repository (`local` False: it may be downloaded)."""

    source: str
    local: bool


class RemoteModel(Struct, frozen=True):
    """`url` ends before the API's paths (`.../v1`) and never holds a key."""

    url: str
    model: str


ModelSource: TypeAlias = EmbeddedCard | PackagedGgufCard | GgufFile | TransformersModel | RemoteModel


def parse(spec: str) -> ModelSource:
    """The model that `spec` names. Looks at the local disk, never at the network. Raises EngineUnavailable."""
    spec = spec.strip()
    if card := find(spec):
        return card
    if not spec:
        raise EngineUnavailable(_unknown_name(spec))
    if "://" in spec:
        return _parse_url(spec)
    path = Path(spec).expanduser()
    if spec.endswith(".gguf"):
        return _gguf_file(path)
    if path.is_dir():
        return _folder(path)
    if path.is_file():
        raise EngineUnavailable(f"{spec} is neither a .gguf file nor a model folder")
    if HUB_ID.fullmatch(spec):
        return TransformersModel(source=spec, local=False)
    if "/" in spec or "\\" in spec:
        raise EngineUnavailable(f"there is no model file or folder {spec}")
    raise EngineUnavailable(_unknown_name(spec))


def describe(spec: str) -> Description:
    """A cheap account of a spec, for the gateway and the command line. Raises EngineUnavailable."""
    match parse(spec):
        case EmbeddedCard() | PackagedGgufCard() as card:
            return Description(name=card.name, backend=card.backend, note=card.note)
        case GgufFile(path=path):
            return Description(name=path.stem, backend="llama.cpp", note="a GGUF file")
        case TransformersModel(source=source, local=local):
            note = (
                "a transformers checkpoint folder"
                if local
                else "a hub repository, fetched when it is first used"
            )
            return Description(name=Path(source).name if local else source, backend="torch", note=note)
        case RemoteModel(url=url, model=model):
            return Description(name=model, backend="remote", note=f"served by {urlsplit(url).hostname}")


def check(cache_dir: Path, spec: str) -> ModelSource:
    """The model that `spec` names, if everything that it needs is installed and prepared here. Imports no runtime and
    asks no server.

    Raises EngineUnavailable with a line that tells people how to solve it."""
    source = parse(spec)
    if problem := missing_module(spec):
        raise EngineUnavailable(problem)
    if isinstance(source, EmbeddedCard | PackagedGgufCard):
        locate(cache_dir, source)
    return source


def missing_module(spec: str) -> str:
    """The missing package that `spec` needs, and the command that installs it; empty where nothing is missing. Raises
    EngineUnavailable for a spec that names nothing."""
    for module, extra in _needs(parse(spec)):
        if find_spec(module) is None:
            return f"{spec} needs {module}; run: pip install 'antiphon[{extra}]'"
    return ""


def build(config: WorkerConfig, residency: Residency | None = None) -> Engine:
    """The engine that `config.text_model` names, ready to step. Call in the worker process: it may import torch and
    take seconds. Raises EngineUnavailable with a line that tells people how to solve it."""
    cache_dir = Path(config.cache_dir)
    match check(cache_dir, config.text_model):
        case EmbeddedCard() as card:
            from antiphon_engines.text import embedded

            return embedded.build(
                cache_dir,
                precision=card.precision,
                threads=config.threads,
                context=config.context,
                max_jobs=config.max_jobs,
                max_batch=config.max_batch,
                chunk=config.busy_chunk,
                idle_chunk=config.prefill_chunk,
            )
        case PackagedGgufCard() as card:
            return _build_gguf(locate(cache_dir, card), card.name, config, Remark(card.note, card.name))
        case GgufFile(path=path):
            return _build_gguf(path, path.stem, config, NO_REMARK)
        case TransformersModel(source=source, local=local):
            from antiphon_engines.text import torch_engine

            return torch_engine.build(source, config, residency, local=local)
        case RemoteModel(url=url, model=model):
            from antiphon_engines.text.streaming import remote

            return remote.build(url, model, config)


def locate(cache_dir: Path, card: EmbeddedCard | PackagedGgufCard) -> Path:
    """Where the prepared model of that card stands. Raises EngineUnavailable, with the command that prepares it."""
    match card:
        case EmbeddedCard():
            return preparation.find_embedded(cache_dir, card.precision)
        case PackagedGgufCard():
            return packaged_gguf.prepared(cache_dir, card)


def prepare(
    cache_dir: Path, spec: str, *, accept_terms: bool, progress: Progress, source: Path | None = None
) -> Path | None:
    """Fetch, convert and verify the model that `spec` names; None where there is nothing to prepare. `source` is a
    local copy of the model's file. Imports no torch (a child process does, where it must). Raises EngineUnavailable, of
    which TermsNotAccepted is one."""
    found = parse(spec)
    if source is not None and not isinstance(found, PackagedGgufCard):
        raise EngineUnavailable(f"{spec} is not made from a single local file")
    match found:
        case EmbeddedCard() as card:
            return preparation.prepare_embedded(cache_dir, card.precision, progress)
        case PackagedGgufCard() as card:
            return packaged_gguf.prepare(
                cache_dir, card, accept_terms=accept_terms, progress=progress, source=source
            )
        case _:
            return None


def _build_gguf(path: Path, name: str, config: WorkerConfig, note: Remark) -> Engine:
    from antiphon_engines.text.gguf import build as gguf

    return gguf.build(path, config, name=name, note=note)


def _parse_url(spec: str) -> RemoteModel:
    base, _, model = spec.partition("#")
    try:
        parts = urlsplit(base)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        valid = False
    if not valid:
        raise EngineUnavailable("the model's address must look like http://host:port/v1#model-name")
    if parts.username or parts.password or parts.query:
        raise EngineUnavailable("give the key of a remote model in its own setting, not in the address")
    if not model:
        raise EngineUnavailable(f"name the model after the address: {base}#model-name")
    return RemoteModel(url=base.rstrip("/"), model=model)


def _gguf_file(path: Path) -> GgufFile:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise EngineUnavailable(f"cannot read {path}: {error.strerror or error}") from None
    if magic != b"GGUF":
        raise EngineUnavailable(f"{path} is not a GGUF file")
    return GgufFile(path=path)


def _folder(path: Path) -> TransformersModel:
    if not (path / "config.json").is_file():
        raise EngineUnavailable(f"{path} holds no config.json: it is not a transformers checkpoint")
    return TransformersModel(source=str(path), local=True)


def _unknown_name(spec: str) -> str:
    names = [card.name for card in CATALOGUE]
    close = difflib.get_close_matches(spec, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known names: {', '.join(names)}"
    return f"there is no model {spec!r}; {hint}"


def _needs(source: ModelSource) -> tuple[tuple[str, str], ...]:
    """Modules beyond the default install, each with the extra that brings it."""
    match source:
        case PackagedGgufCard() | GgufFile():
            return (("xllamacpp", "gguf"),)
        case TransformersModel():
            return (("torch", "torch"), ("transformers", "torch"))
        case _:
            return ()
