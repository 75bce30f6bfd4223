"""llama.cpp's C interface, out of the shared library that `xllamacpp` ships, through ctypes.

xllamacpp itself offers llama.cpp's server only. Its library exports all C functions; the structures below are those of
the versions that `pyproject.toml` admits. Whether they are is checked against the defaults that the library fills in
(:func:`load`), so that another layout is an error and never wrong memory.
"""

from __future__ import annotations

import ctypes as c
import logging
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import EngineUnavailable

logger = logging.getLogger(__name__)

_ROOM: Final = 64
"""Bytes behind each structure that the library fills in by value: one that has grown at its end writes its defaults
there, and reads them back."""
_WARNING: Final = 3
"""Of ggml's log levels; errors are above it."""


class ModelParams(c.Structure):
    _fields_ = (
        ("devices", c.c_void_p),
        ("tensor_buft_overrides", c.c_void_p),
        ("n_gpu_layers", c.c_int32),
        ("split_mode", c.c_int32),
        ("load_mode", c.c_int32),
        ("lazy_mode", c.c_int32),
        ("main_gpu", c.c_int32),
        ("tensor_split", c.c_void_p),
        ("progress_callback", c.c_void_p),
        ("progress_callback_user_data", c.c_void_p),
        ("kv_overrides", c.c_void_p),
        ("vocab_only", c.c_bool),
        ("check_tensors", c.c_bool),
        ("use_extra_bufts", c.c_bool),
        ("no_host", c.c_bool),
        ("no_alloc", c.c_bool),
        ("load_mtp", c.c_bool),
        ("room", c.c_byte * _ROOM),
    )


class ContextParams(c.Structure):
    _fields_ = (
        ("n_ctx", c.c_uint32),
        ("n_batch", c.c_uint32),
        ("n_ubatch", c.c_uint32),
        ("n_seq_max", c.c_uint32),
        ("n_rs_seq", c.c_uint32),
        ("n_outputs_max", c.c_uint32),
        ("n_outputs_max_per_seq", c.c_uint32),
        ("n_threads", c.c_int32),
        ("n_threads_batch", c.c_int32),
        ("ctx_type", c.c_int32),
        ("rope_scaling_type", c.c_int32),
        ("pooling_type", c.c_int32),
        ("attention_type", c.c_int32),
        ("flash_attn_type", c.c_int32),
        ("rope_freq_base", c.c_float),
        ("rope_freq_scale", c.c_float),
        ("yarn_ext_factor", c.c_float),
        ("yarn_attn_factor", c.c_float),
        ("yarn_beta_fast", c.c_float),
        ("yarn_beta_slow", c.c_float),
        ("yarn_orig_ctx", c.c_uint32),
        ("defrag_thold", c.c_float),
        ("cb_eval", c.c_void_p),
        ("cb_eval_user_data", c.c_void_p),
        ("type_k", c.c_int32),
        ("type_v", c.c_int32),
        ("abort_callback", c.c_void_p),
        ("abort_callback_data", c.c_void_p),
        ("reserved", c.c_void_p),
        ("embeddings", c.c_bool),
        ("offload_kqv", c.c_bool),
        ("no_perf", c.c_bool),
        ("op_offload", c.c_bool),
        ("swa_full", c.c_bool),
        ("kv_unified", c.c_bool),
        ("samplers", c.c_void_p),
        ("n_samplers", c.c_size_t),
        ("other", c.c_void_p),
        ("room", c.c_byte * _ROOM),
    )


class Batch(c.Structure):
    """Tokens with their positions and sequences; `logits` says which of them want logits."""

    _fields_ = (
        ("n_tokens", c.c_int32),
        ("token", c.c_void_p),
        ("embd", c.c_void_p),
        ("pos", c.c_void_p),
        ("n_seq_id", c.c_void_p),
        ("seq_id", c.c_void_p),
        ("logits", c.c_void_p),
    )


class ChatMessage(c.Structure):
    _fields_ = (("role", c.c_char_p), ("content", c.c_char_p))


_MODEL_DEFAULTS: Final = {
    "devices": None,
    "n_gpu_layers": -1,
    "split_mode": 1,
    "load_mode": -1,
    "lazy_mode": 1,
    "main_gpu": 0,
    "tensor_split": None,
    "kv_overrides": None,
    "vocab_only": False,
    "check_tensors": False,
    "use_extra_bufts": True,
    "no_host": False,
    "no_alloc": False,
    "load_mtp": False,
}
_CONTEXT_DEFAULTS: Final = {
    "n_ctx": 512,
    "n_batch": 2048,
    "n_ubatch": 512,
    "n_seq_max": 1,
    "n_rs_seq": 0,
    "n_outputs_max": 0,
    "n_outputs_max_per_seq": 1,
    "ctx_type": 0,
    "rope_scaling_type": -1,
    "pooling_type": -1,
    "attention_type": -1,
    "flash_attn_type": -1,
    "yarn_ext_factor": -1.0,
    "yarn_attn_factor": -1.0,
    "defrag_thold": -1.0,
    "cb_eval": None,
    "type_k": 1,
    "type_v": 1,
    "abort_callback": None,
    "embeddings": False,
    "offload_kqv": True,
    "no_perf": True,
    "op_offload": True,
    "swa_full": True,
    "kv_unified": False,
    "n_samplers": 0,
}

_PTR, _INT, _BOOL, _TEXT = c.c_void_p, c.c_int32, c.c_bool, c.c_char_p
_FUNCTIONS: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "llama_backend_init": (None, ()),
    "llama_model_default_params": (ModelParams, ()),
    "llama_context_default_params": (ContextParams, ()),
    "llama_model_load_from_file": (_PTR, (_TEXT, ModelParams)),
    "llama_init_from_model": (_PTR, (_PTR, ContextParams)),
    "llama_model_free": (None, (_PTR,)),
    "llama_free": (None, (_PTR,)),
    "llama_model_get_vocab": (_PTR, (_PTR,)),
    "llama_model_n_ctx_train": (_INT, (_PTR,)),
    "llama_model_chat_template": (_TEXT, (_PTR, _TEXT)),
    "llama_model_has_encoder": (_BOOL, (_PTR,)),
    "llama_model_is_recurrent": (_BOOL, (_PTR,)),
    "llama_model_is_hybrid": (_BOOL, (_PTR,)),
    "llama_model_is_diffusion": (_BOOL, (_PTR,)),
    "llama_n_ctx_seq": (c.c_uint32, (_PTR,)),
    "llama_n_seq_max": (c.c_uint32, (_PTR,)),
    "llama_n_threads": (_INT, (_PTR,)),
    "llama_get_memory": (_PTR, (_PTR,)),
    "llama_memory_seq_rm": (_BOOL, (_PTR, _INT, _INT, _INT)),
    "llama_memory_seq_cp": (None, (_PTR, _INT, _INT, _INT, _INT)),
    "llama_decode": (_INT, (_PTR, Batch)),
    "llama_get_logits": (_PTR, (_PTR,)),
    "llama_vocab_n_tokens": (_INT, (_PTR,)),
    "llama_vocab_is_eog": (_BOOL, (_PTR, _INT)),
    "llama_vocab_is_control": (_BOOL, (_PTR, _INT)),
    "llama_vocab_get_add_bos": (_BOOL, (_PTR,)),
    "llama_vocab_bos": (_INT, (_PTR,)),
    "llama_tokenize": (_INT, (_PTR, _TEXT, _INT, _PTR, _INT, _BOOL, _BOOL)),
    "llama_token_to_piece": (_INT, (_PTR, _INT, _PTR, _INT, _INT, _BOOL)),
    "llama_chat_apply_template": (_INT, (_TEXT, c.POINTER(ChatMessage), c.c_size_t, _BOOL, _PTR, _INT)),
    "ggml_backend_dev_count": (c.c_size_t, ()),
    "ggml_backend_dev_get": (_PTR, (c.c_size_t,)),
    "ggml_backend_dev_name": (_TEXT, (_PTR,)),
}


class LayoutUnknown(EngineUnavailable):
    """The installed library's structures are not those that are written down here."""


@cache
def load() -> Any:
    """The library, its functions typed and its log turned to ours. Raises EngineUnavailable when it is not installed,
    LayoutUnknown when its structures are others."""
    spec = find_spec("xllamacpp")
    folder = Path(spec.origin).parent if spec is not None and spec.origin else None
    found = sorted(folder.glob("xllamacpp*.so")) if folder is not None else []
    if not found:
        raise EngineUnavailable("xllamacpp is not installed; run: pip install 'antiphon[gguf]'")
    library = c.CDLL(str(found[0]))
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name, None)
        if function is None:
            raise LayoutUnknown(f"this xllamacpp has no {name}")
        function.restype, function.argtypes = result, arguments
    _compare(library.llama_model_default_params(), _MODEL_DEFAULTS)
    _compare(library.llama_context_default_params(), _CONTEXT_DEFAULTS)
    library.llama_log_set(_log_function, None)
    library.llama_backend_init()
    return library


def _compare(filled: c.Structure, expected: Mapping[str, object]) -> None:
    wrong = [name for name, value in expected.items() if getattr(filled, name) != value]
    if wrong:
        raise LayoutUnknown(f"this xllamacpp has other parameters ({', '.join(wrong)})")


def _log(level: int, text: bytes | None, data: int | None) -> None:
    if level >= _WARNING and text:
        logger.debug("llama.cpp: %s", text.decode(errors="replace").strip())


_log_function: Final = c.CFUNCTYPE(None, c.c_int, c.c_char_p, c.c_void_p)(_log)
"""Kept as long as the library, which calls it."""
