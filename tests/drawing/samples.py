"""Skeletons and errors to draw, and what can be seen of a picture."""

import numpy as np
from PIL import Image

from drawing.charts import FrameCurves

BONES = [[0, 1], [1, 2], [2, 3]]


def poses(rng, frames=20, joints=4, dims=3, scale=1.0):
    truth = scale * np.cumsum(rng.normal(0, 1, (frames, joints, dims)), 1)
    return {"raw": truth + 0.1 * scale * rng.normal(size=truth.shape), "refined": truth, "ground truth": truth}


def curves(rng, frames=20):
    return {
        label: FrameCurves(rng.uniform(20, 60, frames), rng.uniform(0, 9, frames - 2)) for label in ("raw", "refined")
    }


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def has_colour(image, colour, tolerance=24):
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return bool((np.abs(image - wanted).max(-1) < tolerance).any())
