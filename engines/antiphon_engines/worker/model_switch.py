"""Which model of each modality serves, and which was asked to take its place. Specs in, decisions out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from antiphon_engines.api import LOADING, Absent, Modality


class ModelSwitch:
    """`load` begins to load a model, or says why it cannot. Of several that are asked for, the latest counts."""

    def __init__(
        self, models: Mapping[Modality, str], load: Callable[[Modality, str], Absent | None] | None
    ) -> None:
        self.models = dict(models)
        """In force."""
        self._load = load
        self._coming: dict[Modality, Absent] = {}

    @property
    def coming(self) -> tuple[Absent, ...]:
        """Named by their specs: loading, or why they could not be had."""
        return tuple(self._coming.values())

    def loads(self, modality: Modality) -> bool:
        return modality in self._coming and self._coming[modality].loading

    def use(self, modality: Modality, spec: str) -> None:
        """Have the model serve; to ask for the one that does takes back an earlier wish."""
        if spec == self.models.get(modality):
            self._coming.pop(modality, None)
            return
        if self.loads(modality) and self._coming[modality].name == spec:
            return
        problem = self._load(modality, spec) if self._load is not None else None
        self._coming[modality] = (
            replace(problem, name=spec) if problem else Absent(modality, spec, LOADING, loading=True)
        )

    def arrived(self, modality: Modality, spec: str) -> bool:
        """A model has been loaded: whether it is wanted still."""
        if not spec:
            return True
        if not self._expects(modality, spec):
            return False
        del self._coming[modality]
        self.models[modality] = spec
        return True

    def failed(self, absent: Absent, spec: str) -> bool:
        """A model could not be loaded: whether that is news."""
        if not spec:
            return True
        if not self._expects(absent.modality, spec):
            return False
        self._coming[absent.modality] = Absent(absent.modality, spec, absent.reason)
        return True

    def _expects(self, modality: Modality, spec: str) -> bool:
        return self.loads(modality) and self._coming[modality].name == spec
