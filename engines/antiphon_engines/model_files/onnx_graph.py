"""Adapts the graph that onnxruntime-genai's model builder writes to our KV arena.

Changes, with their reasons:
- `attention_mask` (int64, one entry per cached token) becomes `seqlens_k` (int32 per row) and `total_sequence_length`,
  which GroupQueryAttention computes from the mask anyway: rows of different lengths cost nothing.
- Only the hidden state at `last` (int64 per row, index into the flattened tokens) goes through the output layer,
  which is a fifth of the model: a prefill chunk of 64 tokens needs one row of logits, not 64.
- Embedding and tied output layer become one table of 8-bit blocks. The file's own table is Q8_0, so nothing is lost
  (the builder's re-quantising does lose a little), and the float32 table, 113 MB of disk and memory, goes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable

DATA_FILE = "model.onnx.data"
Table = NDArray[np.float32]
_BLOCK = 32


def adapt(source: Path, target: Path, table: Table) -> None:
    """Read the builder's `source` (model.onnx) and write the adapted `target` with `model.onnx.data` beside it.

    `table` is the embedding, float32, shape (vocabulary, hidden size), tied to the output layer. Raises
    EngineUnavailable when the graph is not of the expected shape.
    """
    import onnx

    model = onnx.load(str(source))
    try:
        _replace_mask(model.graph)
        _keep_last_token(model.graph)
        _pack_embedding(model.graph, table)
    except (StopIteration, IndexError, KeyError) as error:
        raise EngineUnavailable("this onnxruntime-genai builds another graph than expected") from error
    _drop_unused(model.graph)
    onnx.save_model(
        model,
        str(target),
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location=DATA_FILE,
        size_threshold=1024,
    )


def _replace_mask(graph: Any) -> None:
    from onnx import TensorProto, helper

    for node in graph.node:
        if node.op_type == "GroupQueryAttention":
            node.input[5], node.input[6] = "seqlens_k", "total_sequence_length"
    graph.input.remove(next(value for value in graph.input if value.name == "attention_mask"))
    graph.input.append(helper.make_tensor_value_info("seqlens_k", TensorProto.INT32, ["batch_size"]))
    graph.input.append(helper.make_tensor_value_info("total_sequence_length", TensorProto.INT32, []))


def _keep_last_token(graph: Any) -> None:
    from onnx import TensorProto, helper, numpy_helper

    head = _head(graph)
    size = next(attribute.i for attribute in head.attribute if attribute.name == "K")
    graph.initializer.append(numpy_helper.from_array(np.array([-1, size], np.int64), "hidden_shape"))
    flatten = helper.make_node(
        "Reshape", [head.input[0], "hidden_shape"], ["flat_hidden"], name="/last/Reshape"
    )
    gather = helper.make_node("Gather", ["flat_hidden", "last"], ["last_hidden"], name="/last/Gather", axis=0)
    graph.input.append(helper.make_tensor_value_info("last", TensorProto.INT64, ["batch_size"]))
    head.input[0] = "last_hidden"
    position = list(graph.node).index(head)
    graph.node.insert(position, gather)
    graph.node.insert(position, flatten)
    logits = next(value for value in graph.output if value.name == "logits")
    vocabulary = logits.type.tensor_type.shape.dim[-1].dim_value
    graph.output.remove(logits)
    graph.output.insert(
        0, helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch_size", vocabulary])
    )


def _pack_embedding(graph: Any, table: Table) -> None:
    from onnx import helper, numpy_helper

    lookup = next(node for node in graph.node if "input_ids" in node.input)
    vocabulary, size = table.shape
    blocks = table.reshape(vocabulary, size // _BLOCK, _BLOCK)
    scales = (np.abs(blocks).max(axis=-1) / 127).astype(np.float32)
    steps = np.rint(blocks / np.where(scales == 0, 1, scales)[..., None])
    if float(np.abs(steps * scales[..., None] - blocks).max()) > 1e-5 * float(np.abs(table).max()):
        raise EngineUnavailable(
            "the embedding table was not stored in 8-bit blocks: it cannot be packed without loss"
        )
    packed = (steps + 128).astype(np.uint8)
    graph.initializer.extend(
        [
            numpy_helper.from_array(packed, "head.packed"),
            numpy_helper.from_array(scales, "table.scales"),
            numpy_helper.from_array(packed.reshape(table.shape), "table.packed"),
        ]
    )
    position = list(graph.node).index(lookup)
    graph.node.insert(
        position,
        helper.make_node(
            "GatherBlockQuantized",
            ["table.packed", "input_ids", "table.scales"],
            list(lookup.output),
            name="/embedding/GatherBlockQuantized",
            domain="com.microsoft",
            bits=8,
            block_size=_BLOCK,
            gather_axis=0,
            quantize_axis=1,
        ),
    )
    graph.node.remove(lookup)
    head = _head(graph)
    head_index = list(graph.node).index(head)
    graph.node.remove(head)
    graph.node.insert(
        head_index,
        helper.make_node(
            "MatMulNBits",
            [head.input[0], "head.packed", "table.scales"],
            ["logits"],
            name="/head/MatMulNBits",
            domain="com.microsoft",
            K=size,
            N=vocabulary,
            bits=8,
            block_size=_BLOCK,
            accuracy_level=4,
        ),
    )


def _head(graph: Any) -> Any:
    return next(node for node in graph.node if list(node.output) == ["logits"])


def _drop_unused(graph: Any) -> None:
    """Remove the nodes and initializers that no longer lead to an output."""
    needed = {value.name for value in graph.output}
    for node in reversed(list(graph.node)):
        if needed.intersection(node.output):
            needed.update(node.input)
        else:
            graph.node.remove(node)
    for tensor in list(graph.initializer):
        if tensor.name not in needed:
            graph.initializer.remove(tensor)
    del graph.value_info[:]
