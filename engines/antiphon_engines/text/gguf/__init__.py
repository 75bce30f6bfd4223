"""GGUF files through llama.cpp's low-level interface: one step of several rows per call."""
