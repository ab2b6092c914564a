"""What is learnt of a body on the way: its size, and which joints keep their distance from one another."""

import numpy as np

COUNT = 4
"""Partners of each joint, if there are as many."""

PAIRS = 1024
"""So many pairs of joints at most are measured a frame; of more, some in turn."""

KNOWN = 8
"""So often must two joints have been measured together before they are partners."""

MEMORY = 3.0
"""Seconds that sizes and distances are averaged over."""


class Body:
    """Running means over the frames of one person.

    Parameters
    ----------
    joints
        How many.
    fps
        Frames a second.
    """

    def __init__(self, joints: int, fps: float) -> None:
        self.joints = joints
        self.size = 0.0
        self._frames = 0
        self._longest = max(1.0, MEMORY * fps)
        self._rows = max(1, PAIRS // joints)
        self._turn = 0
        self._usual = np.zeros((joints, joints))
        self._vary = np.zeros((joints, joints))
        self._count = np.zeros((joints, joints))
        self._index = np.repeat(np.arange(joints)[:, None], min(COUNT, joints - 1), axis=1)
        self._apart = np.zeros(self._index.shape)
        self._mean: np.ndarray | None = None
        self._lone = 0.0

    def strain(self, x: np.ndarray, seen: np.ndarray) -> np.ndarray:
        """Return how far distances from partners are from the usual ones: the least and the mean, [2, J]."""
        if not self._index.size:
            return np.zeros((2, self.joints))
        away = x[:, :, None] - x[:, self._index]
        off = np.abs(np.sqrt(np.einsum("djn,djn->jn", away, away)) - self._apart)
        off *= seen[:, None] & seen[self._index]
        return np.stack([off.min(axis=1), off.mean(axis=1)])

    def learn(self, x: np.ndarray, seen: np.ndarray) -> None:
        """Take in a frame, [D, J]."""
        if not seen.any():
            return
        self._frames += 1
        found = self._measure(x if seen.all() else x[:, seen])
        self.size += (found - self.size) / min(self._frames, self._longest)
        if self._index.size:
            self._learn_pairs(x, seen)

    def _measure(self, x: np.ndarray) -> float:
        """Return how far a frame's joints typically are from their middle; of a single one, how far it has gone."""
        if self.joints > 1:
            away = x - x.mean(axis=1, keepdims=True)
            squares = np.sort(np.einsum("dj,dj->j", away, away))
            middle = np.sqrt(squares[[(len(squares) - 1) // 2, len(squares) // 2]])
            return float(middle[0] + middle[1]) / 2
        self._mean = x if self._mean is None else self._mean + (x - self._mean) / min(self._frames, self._longest)
        self._lone += (float(np.square(x - self._mean).sum()) - self._lone) / min(self._frames, self._longest)
        return float(np.sqrt(self._lone))

    def _learn_pairs(self, x: np.ndarray, seen: np.ndarray) -> None:
        first = self._turn
        rows = slice(first, min(first + self._rows, self.joints))
        self._turn = rows.stop if rows.stop < self.joints else 0
        away = x[:, rows, None] - x[:, None]
        length = np.sqrt(np.einsum("dab,dab->ab", away, away))
        both = seen[rows, None] & seen
        usual, vary, count = self._usual[rows], self._vary[rows], self._count[rows]
        count += both
        # Rows that take turns remember as many seconds as others.
        gain = both / np.clip(count, 1, max(8.0, self._longest * self._rows / self.joints))
        off = length - usual
        # What is far out of the usual is not learnt in full.
        most = np.where(count > KNOWN, 3 * np.sqrt(vary), np.inf)
        np.clip(off, -most, most, out=off)
        usual += gain * off
        vary += gain * (off * off * (count > 1) - vary)
        known = np.where(count >= KNOWN, vary, np.inf)
        own = np.arange(rows.stop - first)
        known[own, first + own] = np.inf
        many = self._index.shape[1]
        chosen = np.argpartition(known, many - 1, axis=1)[:, :many]
        alone = ~np.isfinite(known[own[:, None], chosen])
        self._index[rows] = np.where(alone, (first + own)[:, None], chosen)
        self._apart[rows] = np.where(alone, 0, usual[own[:, None], chosen])
