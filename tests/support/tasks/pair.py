"""A task with two models that are easily told apart."""

import frontdesk as fd


class _Multiplying(fd.Model):
    """Multiplies."""

    task = "pair"
    factor = 1.0

    def predict(self, x: float = 0.0) -> fd.Value:
        return fd.Value(self.factor * x)


class One(_Multiplying):
    """Leaves it as it is."""

    name = "one"


class Two(_Multiplying):
    """Doubles it."""

    name = "two"
    factor = 2.0
