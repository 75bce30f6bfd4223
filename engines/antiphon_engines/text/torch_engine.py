"""The text engine over any transformers checkpoint: the model, its tokenizer and its chat markup, put together."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends import devices
from antiphon_engines.backends.acceleration import Acceleration
from antiphon_engines.backends.networks import DTYPES, language, precision_of
from antiphon_engines.backends.plans import choices, planning
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.planning import Wishes
from antiphon_engines.backends.residency import Residency
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import Slot
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.tokenizer import ChatMarkup, FolderTokenizer
from antiphon_engines.text.torch_model import TorchModel

logger = logging.getLogger(__name__)
_SYSTEM = "You are a helpful co-author. Answer with the text itself."
_MARK = "\u2063text\u2063"
_LOADING = (OSError, ValueError, KeyError, TypeError, RuntimeError, ImportError, MemoryError)


def build(
    source: str, config: WorkerConfig, residency: Residency | None = None, *, local: bool
) -> TextEngine:
    """The engine for a checkpoint folder, or for a hub repository when `local` is False (that may download).

    A row more than `max_jobs` keeps the prefix of a document that nobody is writing in. Raises EngineUnavailable.
    """
    network = load(source, config, local=local)
    tokenizer = _tokenizer(source, network, config, local=local)
    name = Path(source).name if local else source
    folder = Path(source) if local else planning.folder_of(source, Path(config.cache_dir) / planning.HUB)
    wishes = planning.wishes(config, folder, devices.architecture(network.device))
    model = TorchModel(
        network,
        name=name,
        rows=config.max_jobs + 1,
        context=config.context,
        slot=lambda network: _slot(network, wishes),
        recorded=choices.torch_mode(wishes.backends["language_decoder"], cuda=True) != "eager",
    )
    model.share(residency or Residency(config.device_memory * 2**20))
    slots: dict[Part, Slot] = {} if model.slot is None else {"language_decoder": model.slot}
    acceleration = Acceleration(
        Path(config.cache_dir) / planning.PLANS, wishes, slots, threads=config.threads
    )
    acceleration.start()
    return TextEngine(
        model,
        tokenizer,
        max_jobs=config.max_jobs,
        max_batch=config.max_batch,
        chunk=config.busy_chunk,
        idle_chunk=config.prefill_chunk,
        acceleration=acceleration,
    )


def _slot(network: Any, wishes: Wishes) -> Slot | None:
    """None for a network that no plan can be made of."""
    try:
        signature = wishes.checkpoint.signature("language_decoder", wishes.bounds)
        return Slot(TorchRunner(language.network(network, signature, precision_of(network.dtype))))
    except EngineUnavailable as error:
        logger.info("the language model has no plans: %s", error.message)
        return None


def load(source: str, config: WorkerConfig, *, local: bool) -> Any:
    """The network: in the type that is set, else float32 on the CPU and the checkpoint's own type on CUDA. Raises
    EngineUnavailable with one line."""
    if config.device == "cuda" and not torch.cuda.is_available():
        raise EngineUnavailable("there is no CUDA device that torch can use; set the device to auto or cpu")
    cuda = config.device != "cpu" and torch.cuda.is_available()
    torch.set_num_threads(config.threads)
    chosen = choices.precisions("text", config.text_precision)["language_decoder"]
    dtype = "auto" if chosen == "auto" and cuda else DTYPES[choices.precise(chosen, cuda=cuda)]
    try:
        network = _fetched(AutoModelForCausalLM, source, config, local, dtype=dtype)
        return network.to("cuda" if cuda else "cpu")
    except _LOADING as error:
        raise EngineUnavailable(f"cannot load {source}: {_one_line(error)}") from error


def _tokenizer(source: str, network: Any, config: WorkerConfig, *, local: bool) -> FolderTokenizer:
    try:
        original = _fetched(AutoTokenizer, source, config, local)
        # Where a checkpoint has no tokenizer, transformers 5.0 makes one up that knows no words.
        if len(original) <= len(original.all_special_ids):
            raise ValueError("it has no words")
        with tempfile.TemporaryDirectory() as folder:
            # Converts the checkpoint's format to the one that the engine reads.
            original.save_pretrained(folder)
            return FolderTokenizer(
                Path(folder),
                chat=_chat(original),
                starts=original.convert_ids_to_tokens(original("")["input_ids"]),
                ends=original.convert_ids_to_tokens(sorted(_ends(original, network))),
            )
    except _LOADING as error:
        raise EngineUnavailable(f"cannot load the tokenizer of {source}: {_one_line(error)}") from error


def _ends(tokenizer: Any, network: Any) -> set[int]:
    configured = network.generation_config.eos_token_id
    ends = set(configured) if isinstance(configured, list) else {configured}
    return {end for end in ends | {tokenizer.eos_token_id} if end is not None}


def _chat(tokenizer: Any) -> ChatMarkup | None:
    """The checkpoint's chat template around one user message; None where it has none that we can split."""
    if not tokenizer.chat_template:
        return None
    user = {"role": "user", "content": _MARK}
    # Some templates refuse a system message.
    for messages in ([{"role": "system", "content": _SYSTEM}, user], [user]):
        try:
            rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        except Exception:  # jinja raises any exception that the template's author chose
            continue
        opening, mark, closing = rendered.partition(_MARK)
        if mark:
            return ChatMarkup(opening=opening, closing=closing)
    return None


def _fetched(kind: Any, source: str, config: WorkerConfig, local: bool, **options: Any) -> Any:
    """An object of `kind` from a folder, or from the hub. No network is used where the hub's files are here already."""

    def fetch(*, here: bool) -> Any:
        hub = {"cache_dir": str(Path(config.cache_dir) / planning.HUB), "local_files_only": here}
        # Where peft is installed, a model is searched for an adapter too, by arguments of its own.
        adapter = {"adapter_kwargs": dict(hub)} if kind is AutoModelForCausalLM else {}
        return kind.from_pretrained(source, trust_remote_code=False, **hub, **adapter, **options)

    try:
        return fetch(here=True)
    except OSError:
        if local:
            raise
        return fetch(here=False)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
