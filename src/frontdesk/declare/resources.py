"""What one copy of a model needs of a machine, for engines that place work by it."""

from __future__ import annotations

import msgspec


class Resources(msgspec.Struct, frozen=True):
    """What a loaded model, or one training of it, keeps for itself: `resources = fd.Resources(cpus=2, gpus=1)`.

    CPUs and GPUs may be fractions, so that several models share one. The engine `ray` places by it; the other engines
    do not look at it. What a model may use at most is `memory_mb` of the model.
    """

    cpus: float = 1.0
    gpus: float = 0.0
    memory_mb: int = 0

    @property
    def problem(self) -> str:
        """What is wrong with it, empty when nothing is."""
        for name, kinds in (("cpus", (int, float)), ("gpus", (int, float)), ("memory_mb", (int,))):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kinds) or not 0 <= value < 1e9:
                return f"{name} = {value!r}"
        if self.gpus > 1 and self.gpus != int(self.gpus):
            return f"gpus = {self.gpus!r}, which is neither a part of one nor a whole number"
        return ""

    @property
    def told(self) -> str:
        """In words."""
        parts = [f"{self.cpus:g} CPU"]
        if self.gpus:
            parts.append(f"{self.gpus:g} GPU")
        if self.memory_mb:
            parts.append(f"{self.memory_mb} MB of memory")
        return ", ".join(parts)
