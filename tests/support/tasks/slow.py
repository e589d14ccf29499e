"""A task that takes long enough over each row to be watched."""

import time

import frontdesk as fd


class Slow(fd.Model):
    """Says the number again, in its own time."""

    task = "slow"

    def predict(self, x: float = 0.0) -> fd.Value:
        time.sleep(0.05)
        return fd.Value(x)
