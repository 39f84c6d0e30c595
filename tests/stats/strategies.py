"""Small random observed times, tied on purpose, on every grid the risk table distinguishes."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp


@st.composite
def observed(draw, entry=True, causes=2):
    """Draw (time, outcome, n, entry); some rows have n = 0."""
    size = draw(st.integers(1, 30))
    time = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 12)))
    outcome = draw(hnp.arrays(np.int64, size, elements=st.integers(0, causes)))
    n = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 4)))
    late = draw(hnp.arrays(np.int64, size, elements=st.integers(0, 11)))
    entered = np.where(late < time, late, 0) if entry else np.zeros(size, dtype=np.int64)
    scale = draw(st.sampled_from([1, 86_400, 0.1, 1_000_003]))
    return time * scale, outcome, n, entered * scale
