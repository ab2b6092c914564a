"""The pose-estimation benchmarks: what each is, where its files lie, and what SmoothNet's authors published for it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, model_validator

from base.errors import InputError
from base.settings import Fps, Section

Split = Literal["train", "test"]
Representation = Literal["2D", "3D", "smpl"]

SMPL_JOINTS = 24
"""Joints of an SMPL body, each with a rotation."""


class Files(Section):
    """Where a benchmark's two files lie below `benchmarks.root`.

    Both may name `{name}`, `{dataset}`, `{estimator}`, `{representation}` and `{split}`.
    """

    detected: str = "{name}/detected/{name}_{split}.npz"
    groundtruth: str = "{name}/groundtruth/{dataset}_gt_{representation}_{split}.npz"

    @model_validator(mode="after")
    def _known_fields(self) -> "Files":
        fields = dict.fromkeys(("name", "dataset", "estimator", "representation", "split"), "")
        for pattern in (self.detected, self.groundtruth):
            try:
                pattern.format(**fields)
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(f"{pattern!r}: only {{{'}, {'.join(fields)}}} can be filled in ({error})") from None
        return self


class Linear(Section):
    """A normalisation of image coordinates: (x - subtract) / divide, in pixels."""

    subtract: float = Field(allow_inf_nan=False)
    divide: float = Field(gt=0, allow_inf_nan=False)


class Figures(Section):
    """Errors: MPJPE, and Accel per frame squared; mm, or px in an image."""

    mpjpe: float = Field(ge=0, allow_inf_nan=False)
    accel: float = Field(ge=0, allow_inf_nan=False)


class Published(Section):
    """What the release reports: the benchmark that its network was trained on, the errors before and after."""

    model: str
    input: Figures
    output: Figures


Root = tuple[Annotated[int, Field(ge=0)], ...]
Bones = tuple[tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]], ...]


class Row(Section):
    """What a row of `benchmarks.yaml` or of `benchmarks.rows` says; its name is its key.

    Parameters
    ----------
    dataset, estimator
        Parts of the file names.
    representation
        `3D` in space, `2D` in an image, `smpl` for the rotations of SMPL's joints.
    fps
        Frames a second.
    joints
        The numbers of joints that its files may have, and for each the joints whose mean is the root; none in an image.
        For `smpl`, those of the 14 joints that its bodies are scored by.
    pick
        For files of more joints than are scored, by how many they have: the joints to take, in the order of `joints`.
    unit
        The unit of its files.
    normalise
        How the released networks saw the images: (x - subtract) / divide, or x / the image's size - 1/2.
    splits
        The splits that it has.
    files
        Where its files are.
    published
        What SmoothNet's authors report.
    y_axis
        Where the second coordinate in space points, for the pictures: `down` as in cameras' images, or `up`.
    bones
        Pairs of joints to draw lines between, for each number of joints.
    """

    dataset: str
    estimator: str
    representation: Representation
    fps: Fps
    joints: dict[Annotated[int, Field(ge=1)], Root] = Field(min_length=1)
    pick: dict[int, Root] = Field({})
    unit: Literal["m", "mm", "px"]
    normalise: Linear | Literal["none", "image_size"] = "none"
    splits: tuple[Split, ...] = Field(("train", "test"), min_length=1)
    files: Files = Files()
    published: Published | None = None
    y_axis: Literal["down", "up"] = "down"
    bones: dict[int, Bones] = Field({})

    @model_validator(mode="after")
    def _makes_sense(self) -> "Row":
        if (self.unit == "px") != (self.representation == "2D"):
            raise ValueError(
                f"unit {self.unit} does not go with {self.representation}; 2D is in px, the others in m or mm"
            )
        if self.representation == "2D" and any(self.joints.values()):
            raise ValueError("joints: poses in an image have no root; write {17: []}")
        if self.representation != "2D" and self.normalise != "none":
            raise ValueError("normalise is for poses in an image")
        for count, picked in self.pick.items():
            if len(picked) not in self.joints or len(set(picked)) < len(picked) or any(at >= count for at in picked):
                known = " or ".join(map(str, self.joints))
                raise ValueError(f"pick: {count}: name {known} different joints out of 0 to {count - 1}")
        for count, root in self.joints.items():
            if any(joint >= count for joint in root):
                raise ValueError(f"joints: root {list(root)} is outside 0 to {count - 1}")
        for count, bones in self.bones.items():
            if any(joint >= count for bone in bones for joint in bone):
                raise ValueError(f"bones: a bone of {count} joints is outside 0 to {count - 1}")
        return self


class Benchmark(Row):
    """A row and its name, which is also the name of its folder."""

    name: str

    @property
    def dims(self) -> int:
        """Numbers per joint in its files: coordinates, or an axis times an angle."""
        return 2 if self.representation == "2D" else 3

    @property
    def root(self) -> Root:
        """The root joints; of several numbers of joints, those of the first."""
        return next(iter(self.joints.values()))

    @property
    def lines(self) -> Bones:
        """The bones; of several numbers of joints, those of the first."""
        return self.bones.get(next(iter(self.joints)), ())

    @property
    def reported(self) -> tuple[str, float]:
        """The unit in which errors are reported, and how many of it make one metre or pixel."""
        return ("px", 1.0) if self.unit == "px" else ("mm", 1000.0)

    def paths(self, root: Path, split: Split) -> tuple[Path, Path]:
        """Return where the detected and the true poses of a split lie below `root`."""
        fields = {**self.model_dump(include={"name", "dataset", "estimator", "representation"}), "split": split}
        return root / self.files.detected.format(**fields), root / self.files.groundtruth.format(**fields)

    def missing(self, root: Path, split: Split) -> Path | None:
        """Return the first file of a split that is not there; None if both are."""
        return next((path for path in self.paths(root, split) if not path.is_file()), None)

    def of(self, joints: int) -> "Benchmark":
        """Return the row of files with this many joints."""
        return self.model_copy(update={"joints": {joints: self.joints[joints]}})


@cache
def benchmarks() -> Mapping[str, Benchmark]:
    """Return all rows of the table, by name."""
    rows = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
    return {name: named(name, row) for name, row in rows.items()}


def named(name: str, row: Row | Mapping[str, Any]) -> Benchmark:
    """Give a row its name."""
    values = row.model_dump() if isinstance(row, Row) else row
    return Benchmark.model_validate({**values, "name": name})


def find_benchmark(name: str, rows: Mapping[str, Row] | None = None) -> Benchmark:
    """Return a row of the table, or of further rows, which come first.

    Raises
    ------
    InputError
        There is no such row.
    """
    if rows and name in rows:
        return named(name, rows[name])
    try:
        return benchmarks()[name]
    except KeyError:
        known = ", ".join({**(rows or {}), **benchmarks()})
        raise InputError(
            f"{name}: no such benchmark; choose from {known}, or add a row to benchmarks.rows of the configuration"
        ) from None
