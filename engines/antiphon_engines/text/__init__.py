"""Text engines: an embedded ONNX model, torch models, GGUF files, and remote OpenAI-compatible servers."""
