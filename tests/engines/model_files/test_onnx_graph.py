"""Adapting the builder's graph: a model without layers says all that matters here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from antiphon_engines.api import EngineUnavailable  # noqa: E402
from antiphon_engines.model_files import onnx_graph  # noqa: E402

VOCABULARY, HIDDEN, BLOCK = 40, 64, 32


def q8_table() -> np.ndarray:
    """A table as a Q8_0 file holds it: per block of 32 a scale and whole steps, of which one is +-127."""
    random = np.random.default_rng(0)
    steps = random.integers(-126, 127, (VOCABULARY, HIDDEN // BLOCK, BLOCK))
    steps[..., 0] = 127
    scales = random.uniform(0.001, 0.01, (VOCABULARY, HIDDEN // BLOCK, 1)).astype(np.float16)
    return (steps * scales.astype(np.float32)).reshape(VOCABULARY, HIDDEN).astype(np.float32)


def write(path: Path, table: np.ndarray) -> None:
    """Embedding and output layer as the builder wires them, without anything in between."""
    from onnx import TensorProto, helper, numpy_helper

    blocks = HIDDEN // BLOCK
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["hidden"]),
            helper.make_node("ReduceSum", ["attention_mask"], ["unused"]),
            helper.make_node(
                "MatMulNBits",
                ["hidden", "weight", "scales"],
                ["logits"],
                domain="com.microsoft",
                K=HIDDEN,
                N=VOCABULARY,
                bits=8,
                block_size=BLOCK,
                accuracy_level=4,
            ),
        ],
        "tiny",
        [
            helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "sequence"]),
            helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "total"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", VOCABULARY])],
        [
            numpy_helper.from_array(table, "table"),
            numpy_helper.from_array(np.zeros((VOCABULARY, blocks, BLOCK), np.uint8), "weight"),
            numpy_helper.from_array(np.ones((VOCABULARY, blocks), np.float32), "scales"),
        ],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    write(tmp_path / "built.onnx", q8_table())
    onnx_graph.adapt(tmp_path / "built.onnx", tmp_path / "model.onnx", q8_table())
    return tmp_path / "model.onnx"


def test_only_the_last_token_of_each_row_reaches_the_output(adapted: Path) -> None:
    session = onnxruntime.InferenceSession(str(adapted), providers=["CPUExecutionProvider"])
    ids = np.array([[3, 5, 7], [11, 13, 0]], np.int64)
    lengths = {"seqlens_k": np.array([2, 2], np.int32), "total_sequence_length": np.array(3, np.int32)}
    [logits] = session.run(["logits"], {"input_ids": ids, "last": np.array([2, 4], np.int64), **lengths})
    table = q8_table()
    expected = table[[7, 13]] @ table.T
    assert logits.shape == (2, VOCABULARY)
    np.testing.assert_allclose(logits, expected, atol=0.02 * np.abs(expected).max())


def test_the_float_table_is_gone_and_nothing_of_it_is_lost(adapted: Path) -> None:
    from onnx import numpy_helper

    tensors = {
        tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(adapted)).graph.initializer
    }
    assert "table" not in tensors
    steps = tensors["table.packed"].astype(np.float32).reshape(VOCABULARY, -1, BLOCK) - 128
    restored = (steps * tensors["table.scales"][..., None]).reshape(VOCABULARY, HIDDEN)
    np.testing.assert_allclose(restored, q8_table(), rtol=1e-6)


def test_the_mask_gives_way_to_lengths(adapted: Path) -> None:
    graph = onnx.load(str(adapted)).graph
    assert [value.name for value in graph.input] == [
        "input_ids",
        "seqlens_k",
        "total_sequence_length",
        "last",
    ]
    assert "ReduceSum" not in {node.op_type for node in graph.node}


def test_a_table_that_would_lose_by_packing_is_refused(tmp_path: Path) -> None:
    table = np.random.default_rng(1).normal(size=(VOCABULARY, HIDDEN)).astype(np.float32)
    write(tmp_path / "built.onnx", table)
    with pytest.raises(EngineUnavailable, match="without loss"):
        onnx_graph.adapt(tmp_path / "built.onnx", tmp_path / "model.onnx", table)


def test_another_kind_of_graph_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "built.onnx", q8_table())
    model = onnx.load(str(tmp_path / "built.onnx"))
    model.graph.input[1].name = "mask"
    onnx.save(model, tmp_path / "built.onnx")
    with pytest.raises(EngineUnavailable, match="another graph"):
        onnx_graph.adapt(tmp_path / "built.onnx", tmp_path / "model.onnx", q8_table())
