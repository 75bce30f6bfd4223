"""How long a test waits for an expected event."""

from __future__ import annotations

PATIENCE = 180.0
"""Seconds until something that must come counts as missing; never a measure of anything. As long as a machine may need
that is several times slower than ours and busy besides: nobody waits for it unless something is wrong."""
