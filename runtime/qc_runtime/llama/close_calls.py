"""Close calls: answers that another batch might have turned.

llama.cpp's kernels depend on the shape of a batch, so the same prompt in other company comes out
a little different: on the demo model by up to 0.040 of probability. An answer nearer than that
to a line (one half, or the question's review line) is looked at once more, alone and from a
fresh cache, in the same shape every time. That answer counts. What is written after it, a reason
say, was written in company already and stays; only where the second answer is another code is it
written again, alone, and the reply says so, and a person decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from qc_runtime.backend import Choice

NOISE = 0.05  # of probability: what was seen and a quarter more


def is_close(slot: Choice, probabilities: Sequence[float], sure_at: float) -> bool:
    """Whether noise could change what becomes of the answer.

    It could carry the answer over the review line, or, for one that would be taken, choose
    another code. Which of two codes a person is told that the model leans to is no matter.
    """
    best, *others = sorted(slot.weighted(probabilities), reverse=True)
    if not others:
        return False
    turns = best - others[0] < 2 * NOISE and best + NOISE >= sure_at
    return turns or abs(best - sure_at) < NOISE
