"""The gateway imports only light modules of the engines."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ["torch", "transformers", "onnxruntime", "onnxruntime_genai", "xllamacpp", "numpy", "tokenizers"]


def test_the_host_imports_no_model_library() -> None:
    script = (
        "import sys, antiphon_engines.host.host, antiphon_engines.ipc.channel\n"
        "import antiphon_engines.config, antiphon_engines.api\n"
        f"print(sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
