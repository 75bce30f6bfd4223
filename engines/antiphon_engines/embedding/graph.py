"""The network of the packed file as an ONNX graph: its matrices stay in 4 bits. Made once, when the model is prepared.

Inputs: `embeddings` (texts, tokens, width), float32, words and places added; `real` (texts, tokens), int32, 0 for
padding. Output: `states` (texts, tokens, width).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_engines.embedding.packed_file import BLOCK, PackedFile

_MICROSOFT: Final = "com.microsoft"
_OPSET: Final = 20
"""The first with `Gelu`."""


def write(file: PackedFile, target: Path) -> None:
    """Write the graph. Needs the package `onnx`. Raises EngineUnavailable when the file lacks a tensor."""
    import onnx
    from onnx import TensorProto, helper

    shape = file.shape
    builder = _Builder(file)
    state = builder.norm("embeddings", "emb.ln")
    for number in range(shape.layers):
        state = _layer(builder, state, f"l{number}")
    builder.nodes[-1].output[0] = "states"
    states = ["texts", "tokens", shape.width]
    graph = helper.make_graph(
        builder.nodes,
        "sentences",
        [
            helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, states),
            helper.make_tensor_value_info("real", TensorProto.INT32, states[:2]),
        ],
        [helper.make_tensor_value_info("states", TensorProto.FLOAT, states)],
        builder.tensors,
    )
    versions = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_MICROSOFT, 1)]
    onnx.save_model(helper.make_model(graph, opset_imports=versions, ir_version=10), str(target))


def _layer(builder: _Builder, state: str, name: str) -> str:
    shape = builder.file.shape
    parts = [builder.product(state, f"{name}.{part}", shape.width, shape.width) for part in "qkv"]
    attended = builder.add(
        "MultiHeadAttention", [*parts, "", "real"], domain=_MICROSOFT, num_heads=shape.heads
    )
    out = builder.product(attended, f"{name}.ao", shape.width, shape.width)
    state = builder.norm(builder.add("Add", [state, out]), f"{name}.aln")
    wide = builder.add("Gelu", [builder.product(state, f"{name}.fi", shape.width, shape.inner)])
    narrow = builder.product(wide, f"{name}.fo", shape.inner, shape.width)
    return builder.norm(builder.add("Add", [state, narrow]), f"{name}.oln")


class _Builder:
    def __init__(self, file: PackedFile) -> None:
        self.file = file
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def add(self, kind: str, inputs: list[str], domain: str = "", **attributes: Any) -> str:
        """One more node; returns the name of its output."""
        from onnx import helper

        output = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def norm(self, state: str, name: str) -> str:
        """A layer norm."""
        inputs = [state, self._floats(f"{name}.w"), self._floats(f"{name}.b")]
        return self.add("LayerNormalization", inputs, axis=-1, epsilon=self.file.shape.epsilon)

    def product(self, state: str, name: str, columns: int, rows: int) -> str:
        """`state` times a packed matrix of shape (rows, columns), transposed, and its bias."""
        steps, scales = self.file.steps(f"{name}.w", columns)
        pairs = (steps + 8).astype(np.uint8).reshape(rows, columns // BLOCK, BLOCK // 2, 2)
        inputs = [
            state,
            self._tensor(f"{name}.w", pairs[..., 0] | pairs[..., 1] << 4),
            self._tensor(f"{name}.s", scales.reshape(-1)),
        ]
        made = self.add(
            "MatMulNBits",
            inputs,
            domain=_MICROSOFT,
            K=columns,
            N=rows,
            bits=4,
            block_size=BLOCK,
            accuracy_level=4,
        )
        return self.add("Add", [made, self._floats(f"{name}.b")])

    def _floats(self, name: str) -> str:
        return self._tensor(name, self.file.floats(name))

    def _tensor(self, name: str, values: Any) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name
