"""What is checked of every refiner that is told what is missing."""

import numpy as np


def refined_without(refine, rng, x, joint):
    """Refine poses of which a tenth and all of one joint are missing; return what is, and the result.

    Whether NaN or given with no confidence at all, what is written there does not matter.
    """
    missing = rng.random(x.shape[:2]) < 0.1
    missing[:, joint] = True
    refined = refine(np.where(missing[..., None], np.nan, x), 30.0)
    again = refine(np.where(missing[..., None], 77.0, x), 30.0, np.where(missing, 0.0, 1.0))
    np.testing.assert_allclose(again[~missing], refined[~missing], atol=1e-6)
    return missing, refined
