"""One network, several runtimes: torch, ONNX Runtime, TensorRT and TensorRT-RTX behind one interface.

- `signature`: named tensors and the sizes that may differ between calls; cheap, imports no runtime.
- `networks/`: a part of a checkpoint (denoiser, decoders, ...) as a torch module of that signature.
- `export`: a network -> one ONNX file, which serves the last three runtimes.
- `plan`: the key of a prepared file, with all that it depends on; `plan_store` keeps plans and refuses others.
- `build`: order -> plan; `background` runs it in a process of its own while torch serves.
- `torch_runner`: torch itself, eager, compiled or as `cuda_graphs`, which record `fusion`'s twin of a network.
- `opening`: plan -> `runner.Runner`, a callable on named tensors.
- `slot`: the place in an engine where one runner takes over from another.
"""
