"""Joint layouts: the joints of a skeleton and the bones between them, in space and in images.

Three are here; the others are files, `layout_files/NAME.yaml`, and one's own is a file like them (`read_layout`).
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from base.errors import InputError
from base.files import regular_file
from base.shown import one_line, shown

FOLDER = Path(__file__).with_name("layout_files")

MOST_JOINTS = 1000

JOINTS = (
    "base of spine", "middle of spine", "neck", "head",
    "left shoulder", "left elbow", "left wrist", "left hand",
    "right shoulder", "right elbow", "right wrist", "right hand",
    "left hip", "left knee", "left ankle", "left foot",
    "right hip", "right knee", "right ankle", "right foot",
    "spine", "tip of left hand", "left thumb", "tip of right hand", "right thumb",
)  # fmt: skip
"""The Kinect's joints in the order of NTU RGB+D (Shahroudy et al., CVPR 2016)."""

BONES = (
    (0, 1), (1, 20), (2, 20), (3, 2), (4, 20), (5, 4), (6, 5), (7, 6), (8, 20), (9, 8), (10, 9), (11, 10),
    (12, 0), (13, 12), (14, 13), (15, 14), (16, 0), (17, 16), (18, 17), (19, 18), (21, 22), (22, 7), (23, 24), (24, 11),
)  # fmt: skip
"""(joint, parent), 0-based; every path of parents ends at the centre, joint 20."""

CENTRE = 20


@dataclass(frozen=True)
class Layout:
    """A set of joints and the bones between them.

    Parameters
    ----------
    name
        The key under which stores name the layout.
    joints
        The joints' names, in the order of the arrays.
    bones
        (joint, parent) pairs, 0-based.
    centre
        The joint from which 'inward' and 'outward' are counted.
    root
        The joint that pose metrics align.
    dims
        Coordinates per joint: 3 in space, 2 in an image.
    standard
        What joints are called in all layouts alike, where their own name is another, see
        `data.skeletons.conversion`; it makes no other skeleton.
    """

    name: str
    joints: tuple[str, ...]
    bones: tuple[tuple[int, int], ...]
    centre: int
    root: int
    dims: int
    standard: Mapping[str, str] = field(default_factory=dict, compare=False)


NTU25 = Layout(
    "ntu25", JOINTS, BONES, CENTRE, root=0, dims=3,
    standard={
        "base of spine": "pelvis", "spine": "base of neck", "neck": "upper neck", "head": "centre of head",
        "left foot": "left forefoot", "right foot": "right forefoot",
        "tip of left hand": "left middle finger 4", "tip of right hand": "right middle finger 4",
        "left thumb": "left thumb 4", "right thumb": "right thumb 4",
    },
)  # fmt: skip

COCO17 = Layout(
    "coco17",
    (
        "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
        "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
        "right ankle",
    ),
    (
        (1, 0), (2, 0), (3, 1), (4, 2), (5, 0), (6, 0), (7, 5), (8, 6), (9, 7), (10, 8), (11, 5), (12, 6), (13, 11),
        (14, 12), (15, 13), (16, 14),
    ),
    centre=0, root=0, dims=2,
)  # fmt: skip
"""COCO's keypoints, with the bones of PYSKL's graph: the tree of parents ends at the nose."""

OPENPOSE18 = Layout(
    "openpose18",
    (
        "nose", "neck", "right shoulder", "right elbow", "right wrist", "left shoulder", "left elbow", "left wrist",
        "right hip", "right knee", "right ankle", "left hip", "left knee", "left ankle", "right eye", "left eye",
        "right ear", "left ear",
    ),
    (
        (0, 1), (2, 1), (3, 2), (4, 3), (5, 1), (6, 5), (7, 6), (8, 2), (9, 8), (10, 9), (11, 5), (12, 11), (13, 12),
        (14, 0), (15, 0), (16, 14), (17, 15),
    ),
    centre=1, root=1, dims=2, standard={"neck": "base of neck"},
)  # fmt: skip
"""OpenPose's 18 keypoints, with the bones of ST-GCN's graph: the tree of parents ends at the neck."""

FLAT = "_2d"
"""What the name of a layout ends in that is there in space, too."""


def layouts_of(name: str, content: Any, where: str) -> list[Layout]:
    """Return what a layout's file describes: one layout, or two that differ in their dimensions.

    Parameters
    ----------
    name
        What to call it.
    content
        `joints`, a list of names; `bones`, pairs of a joint and its parent, by number from 0 or by name, that lead
        from every joint to the `centre`; `root`, the joint that pose metrics align (the centre if it is left out);
        `dims`, 3, 2 or both. `standard` says what joints are called in all layouts alike, where their own names are
        others. `unit` is for readers.
    where
        The file, for messages.

    Raises
    ------
    InputError
        Something is missing, a bone leads to a joint that is not there, or a path of parents does not end at the
        centre.
    """
    known = {"joints", "bones", "centre", "root", "dims", "unit", "standard"}
    if not isinstance(content, Mapping) or not {"joints", "bones", "centre", "dims"} <= set(content) <= known:
        found = ", ".join(map(str, list(content)[:8])) if isinstance(content, Mapping) else type(content).__name__
        raise InputError(f"{where}: found {shown(found)}, expected joints, bones, centre and dims")
    joints = content["joints"]
    if not isinstance(joints, list) or not 1 <= len(joints) <= MOST_JOINTS or len(set(map(str, joints))) < len(joints):
        raise InputError(f"{where}: joints: expected a list of up to {MOST_JOINTS} different names")
    names = tuple(str(joint)[:60] for joint in joints)
    bones = content["bones"]
    if not isinstance(bones, list) or not all(isinstance(bone, list) and len(bone) == 2 for bone in bones):
        raise InputError(f"{where}: bones: expected a list of pairs [joint, parent]")
    pairs = tuple((_joint(a, names, f"{where}: bones"), _joint(b, names, f"{where}: bones")) for a, b in bones)
    centre = _joint(content["centre"], names, f"{where}: centre")
    root = _joint(content.get("root", centre), names, f"{where}: root")
    _check_tree(pairs, names, centre, where)
    dims = content["dims"] if isinstance(content["dims"], list) else [content["dims"]]
    if dims not in ([3], [2], [3, 2], [2, 3]):
        raise InputError(f"{where}: dims: found {shown(content['dims'])}, expected 3, 2 or [3, 2]")
    standard = _standard(content.get("standard", {}), names, f"{where}: standard")
    first = Layout(name, names, pairs, centre, root, max(dims), standard)
    return [first] if len(dims) == 1 else [first, replace(first, name=name + FLAT, dims=2)]


def _standard(value: Any, names: Sequence[str], where: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value.values()):
        raise InputError(f"{where}: found {shown(value)}, expected a joint's standard name behind its own")
    found = {names[_joint(joint, names, where)]: name[:60] for joint, name in value.items()}
    called = Counter(found.get(name, name) for name in names)
    if twice := [name for name, count in called.items() if count > 1]:
        raise InputError(f"{where}: {shown(twice[0])} is what two joints are called, expected a name for one")
    return found


def _joint(value: Any, names: Sequence[str], where: str) -> int:
    if isinstance(value, str) and value in names:
        return names.index(value)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names):
        return value
    raise InputError(
        f"{where}: found {shown(value)}, expected a joint's name, or its number from 0 to {len(names) - 1}"
    )


def _check_tree(bones: Sequence[tuple[int, int]], names: Sequence[str], centre: int, where: str) -> None:
    """Make sure that every joint but the centre has one parent, and that all paths of parents end at the centre."""
    parents: dict[int, int] = {}
    for joint, parent in bones:
        if joint in parents or joint == centre:
            why = "has two parents" if joint in parents else "is the centre and has a parent"
            raise InputError(
                f"{where}: bones: {shown(names[joint])} {why}; expected one path to the centre from every joint"
            )
        parents[joint] = parent
    for joint in range(len(names)):
        at, steps = joint, 0
        while at != centre:
            if at not in parents or steps > len(names):
                why = "is a loop" if at in parents else f"ends at {shown(names[at])}"
                raise InputError(
                    f"{where}: bones: the path from {shown(names[joint])} {why}, expected one to the centre"
                )
            at, steps = parents[at], steps + 1


def content_of(layout: Layout) -> dict[str, Any]:
    """Return a layout as its file would have it, see `layouts_of`."""
    bones = [list(bone) for bone in layout.bones]
    joints, numbers = list(layout.joints), {"centre": layout.centre, "root": layout.root, "dims": layout.dims}
    return {
        "joints": joints,
        "bones": bones,
        **numbers,
        **({"standard": dict(layout.standard)} if layout.standard else {}),
    }


def read_layout(path: Path) -> Layout:
    """Read a layout of one's own from a YAML file; it is called as the file.

    Raises
    ------
    InputError
        The file cannot be read, or describes no layout.
    """
    import yaml

    from base.config import read_yaml_file

    try:
        content = read_yaml_file(path)
    except (OSError, yaml.YAMLError) as error:
        reason = one_line(str(error), 200)
        raise InputError(f"{path}: cannot be read ({reason}); expected a YAML file of a layout") from error
    return layouts_of(path.stem[:60], content, str(path))[0]


def find_named(given: str, where: str) -> Layout:
    """Return a layout by its name, or read one's own from a file.

    Raises
    ------
    InputError
        There is none of that name, or the file describes none.
    """
    if given in LAYOUTS:
        return LAYOUTS[given]
    if not given.endswith((".yaml", ".yml")):
        raise InputError(f"{where} {given}: expected a .yaml file, or one of {', '.join(LAYOUTS)}")
    return read_layout(regular_file(Path(given), where))


class _Layouts(Mapping[str, Layout]):
    """All layouts that are shipped; files are read when they are first asked for."""

    def __init__(self, *here: Layout) -> None:
        self._here = {layout.name: layout for layout in here}

    @cached_property
    def _all(self) -> dict[str, Layout]:
        import yaml

        found = dict(self._here)
        for path in sorted(FOLDER.glob("*.yaml")):
            content = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
            found |= {layout.name: layout for layout in layouts_of(path.stem, content, path.name)}
        return found

    def __getitem__(self, name: str) -> Layout:
        return self._here[name] if name in self._here else self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


LAYOUTS: Mapping[str, Layout] = _Layouts(NTU25, COCO17, OPENPOSE18)
"""The layouts that are shipped, by the keys under which stores name them."""

TOLD = (
    "coco17", "openpose18", "body25", "halpe26", "wholebody133", "mediapipe33_2d", "ntu25", "kinect20", "h36m17",
    "h36m16", "mediapipe33", "azure32",
)  # fmt: skip
"""The layouts that are told by their number of joints and dimensions."""


def find_layout(joints: int, dims: int, where: str, given: Layout | None = None) -> Layout:
    """Tell a layout by its number of joints and of their coordinates, or check the one that is given.

    Raises
    ------
    InputError
        No layout has as many, or the one that is given has others.
    """
    fitting = [given] if given is not None else [LAYOUTS[name] for name in TOLD]
    layout = next((one for one in fitting if (len(one.joints), one.dims) == (joints, dims)), None)
    if layout is None:
        found = f"{where}: has {joints} joints with {dims} coordinates"
        if given is not None:
            raise InputError(f"{found}, expected {len(given.joints)} with {given.dims} ({given.name})")
        raise InputError(f"{found}, as none of {', '.join(TOLD)} has; describe the joints in a file for --layout")
    return layout
