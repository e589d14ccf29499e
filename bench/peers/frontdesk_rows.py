"""A model that costs nothing, for bench/batch.py."""

import frontdesk as fd


class AddOne(fd.Model):
    """Adds one."""

    task = "add_one"

    def predict(self, a: float) -> float:
        return a + 1

    def predict_batch(self, a: list[float]) -> list[float]:
        return [number + 1 for number in a]
