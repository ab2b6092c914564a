"""Every door by which somebody's file comes in: sound contents of it, and how it is read."""

import io
import pickle
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ablation.study.config import AblateConfig
from base.config import load_config
from base.errors import InputError
from base.unpickling import read_pickle
from data.formats.clips import DenseClips
from data.formats.ctrgcn import read_ctrgcn
from data.formats.exporting import ExportOptions, export_store
from data.formats.npy_files import read_npy_files
from data.formats.pyskl import read_pyskl
from data.formats.stgcn import read_stgcn
from data.ntu.names import ClipName
from data.ntu.prepare import PrepareConfig
from data.skeletons.layouts import LAYOUTS
from data.skeletons.store import StoreInfo, StoreWriter, Track, open_store
from recognition.config import InputSection, ModelSection, RecognizeConfig
from recognition.nets.registry import build_model
from recognition.scores import Scores, read_scores, write_scores
from recognition.use.predict import action_names
from recognition.use.recognizer import load_recognizer
from refine.benchmarks.pairs import read_pairs
from refine.benchmarks.smpl_files import read_smpl_file
from refine.benchmarks.table import find_benchmark
from refine.config import RefineConfig
from refine.nets.smoothnet import SmoothNet
from refine.normalise import Normalise
from refine.refiner import load_refiner, refiner_content
from tests.fuzz import skeletons
from tests.fuzz.damage import ALL, damaged
from training.checkpoints import save_checkpoint

CONFIGS = Path(__file__).parents[2] / "configs"
CLIPS = (ClipName(1, 1, 1, 1, 1), ClipName(1, 2, 3, 1, 2), ClipName(1, 3, 2, 1, 9))


@dataclass(frozen=True)
class Door:
    """A way in.

    Parameters
    ----------
    name
        What it is called.
    make
        Writes sound files into an empty folder and returns those that are to be damaged.
    read
        Reads what is in the folder.
    """

    name: str
    make: Callable[[Path], list[Path]]
    read: Callable[[Path], object]


def attempts(door: Door, folder: Path, count: int, seed: int) -> Iterator[str]:
    """Damage a door's files so often, one at a time, and say what came of each: `read` or `refused`.

    Anything else than the project's own error comes through, with the number of the try in a note.
    """
    files = door.make(folder)
    door.read(folder)  # the sound ones must be read
    for number in range(count):
        r = random.Random(f"{door.name} {seed} {number}")
        path = r.choice(files)
        whole = path.read_bytes()
        path.write_bytes(
            _damaged_inside(whole, r) if whole[:2] == b"PK" and r.random() < 0.7 else damaged(whole, r, ALL)
        )
        outcome = "read"
        try:
            door.read(folder)
        except InputError as error:
            outcome = skeletons.refused(error)
            skeletons.expect(
                len(str(error)) < 2000 + 2 * len(str(folder)), f"a message of {len(str(error))} characters"
            )
        except BaseException as error:
            error.add_note(f"door {door.name}, seed {seed}, try {number}, {path.name}")
            raise
        finally:
            path.write_bytes(whole)
        yield outcome


def _damaged_inside(whole: bytes, r: random.Random) -> bytes:
    """Damage a member of a zip and pack it again, with a checksum that is right."""
    with zipfile.ZipFile(io.BytesIO(whole)) as packed:
        members = {info.filename: packed.read(info) for info in packed.infolist()}
    name = r.choice(list(members))
    if r.random() < 0.1:
        del members[name]
    else:
        members[name] = damaged(members[name], r, ALL)
    method = r.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA))
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", method) as packed:
            for member, content in members.items():
                packed.writestr(member, content)
        return file.getvalue()


def _store(folder: Path, layout: str = "ntu25") -> Path:
    rng = np.random.default_rng(0)
    flat = LAYOUTS[layout].dims == 2
    info = StoreInfo(layout=layout, confidence=flat, image=(1920, 1080) if flat else None)
    shape = (len(LAYOUTS[layout].joints), LAYOUTS[layout].dims)
    with StoreWriter(folder, info) as writer:
        for number, name in enumerate(CLIPS):
            tracks = [
                Track(
                    actor,
                    actor,
                    rng.normal(3, 1, (5 - actor, *shape)).astype(np.float32),
                    rng.integers(0, 3, (5 - actor, shape[0])).astype(np.uint8),
                    rng.random((5 - actor, shape[0])).astype(np.float32) if flat else None,
                )
                for actor in range(1 + number % 2)
            ]
            writer.add(name, 5, tracks)
    return folder


def _exported(format: str, output: str, layout: str = "ntu25") -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        store = _store(folder / "made", layout)
        target = folder / output
        split = "xsub" if format in ("ctrgcn", "stgcn") else None
        export_store(store, target, ExportOptions(format, split=split))  # type: ignore[arg-type]
        return [target] if target.is_file() else sorted(path for path in target.rglob("*") if path.is_file())

    return make


def _pickles(folder: Path) -> list[Path]:
    """Pickles as other programs write them, by every protocol."""
    rng = np.random.default_rng(0)
    files = []
    for protocol in range(6):
        annotations = [
            {
                "frame_dir": str(name),
                "label": name.action - 1,
                "total_frames": 4,
                "img_shape": (1080, 1920),
                "keypoint": rng.normal(size=(1, 4, 17, 2)).astype(np.float16),
                "keypoint_score": rng.random((1, 4, 17)).astype(np.float16),
            }
            for name in CLIPS
        ]
        content = {"split": {"xsub_train": [str(CLIPS[0])]}, "annotations": annotations}
        files.append(folder / f"{protocol}.pkl")
        files[-1].write_bytes(pickle.dumps(content, protocol))
    return files


def _opcodes(folder: Path) -> list[Path]:
    """Short pickles of much that there is, to be put together anew."""
    loop: list[object] = []
    values = [
        1,
        -5,
        2.5,
        "text",
        b"bytes",
        None,
        True,
        10**30,
        [],
        {},
        (),
        [[1], (2,)],
        {"a": {1: 2}},
        {1},
        np.arange(3),
    ]
    values += [np.float32(1), np.array(["a", "b"]), np.array([np.zeros(2), None], object), frozenset((1,)), loop]
    loop.append(loop)
    path = folder / "a.pkl"
    path.write_bytes(b"".join(pickle.dumps(value, protocol)[:-1] for value in values for protocol in (0, 2, 4)) + b".")
    return [path]


def _read_incoming(read: Callable[[Path], object]) -> Callable[[Path], None]:
    def all_clips(folder: Path) -> None:
        for _ in read(folder).clips:  # type: ignore[attr-defined]
            pass

    return all_clips


def _read_each(folder: Path) -> None:
    fault = None
    for path in sorted(folder.glob("*.pkl")):
        try:
            for _ in read_pyskl(path).clips:
                pass
        except InputError as error:
            fault = error
    if fault is not None:
        raise fault


def _read_store(folder: Path) -> None:
    for part in ("space", "image"):
        store = open_store(folder / part)
        clips = DenseClips(store)
        for row in range(len(store.clips)):
            clips[row]


def _make_stores(folder: Path) -> list[Path]:
    stores = [_store(folder / "space"), _store(folder / "image", "coco17")]
    return [path for store in stores for path in sorted(store.iterdir())]


def _make_checkpoint(folder: Path) -> list[Path]:
    torch.manual_seed(0)
    state = SmoothNet(8, 16, 4, 1).state_dict()
    about = refiner_content({"window": 8}, Normalise(), 30.0, ["h36m"])
    save_checkpoint(folder / "refiner.pt", {"state_dict": state, **about})
    torch.save({"state_dict": state}, folder / "old.pt", _use_new_zipfile_serialization=False)
    section = ModelSection(width=2, blocks=3, temporal_kernel=1)
    content = {
        "state_dict": build_model(section, LAYOUTS["ntu25"], 3, 2).state_dict(),
        "model": section.model_dump(),
        "input": InputSection().model_dump(),
        "layout": "ntu25",
        "actions": [1, 2],
        "test": {"clips": 1},
    }
    save_checkpoint(folder / "best.pt", content)
    return [folder / name for name in ("refiner.pt", "old.pt", "best.pt")]


def _read_checkpoints(folder: Path) -> None:
    load_refiner(folder / "refiner.pt")
    load_refiner(folder / "old.pt")
    load_recognizer(folder / "best.pt")


STAGES = {"prepare": PrepareConfig, "refine": RefineConfig, "recognize": RecognizeConfig, "ablate": AblateConfig}


def _make_configs(folder: Path) -> list[Path]:
    files = []
    for stage in STAGES:
        files.append(folder / f"{stage}.yaml")
        files[-1].write_bytes((CONFIGS / stage / "default.yaml").read_bytes())
    files.append(folder / "words")
    files[-1].write_bytes(b"train.epochs=3")
    return files


def _read_configs(folder: Path) -> None:
    word = (folder / "words").read_bytes().decode("latin1")
    for stage, model in STAGES.items():
        load_config(model, folder / f"{stage}.yaml", [word] if stage == "refine" else [])


def _make_lists(folder: Path) -> list[Path]:
    (folder / "names.yaml").write_text("- drink water\n- eat meal\n- brush hair\n")
    export_store(_store(folder / "made"), folder / "arrays", ExportOptions("ctrgcn", split="xsub"))
    return [folder / "names.yaml", folder / "arrays" / "NTU60_CS_names.txt"]


def _read_lists(folder: Path) -> None:
    action_names(np.array([1, 3]), str(folder / "names.yaml"))
    arrays = folder / "arrays"
    for _ in read_ctrgcn(arrays / "NTU60_CS.npz", "xsub", arrays / "NTU60_CS_names.txt").clips:
        pass


def _make_benchmark(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    files = []
    for part, file in (("detected", "h36m_fcn_3D_test.npz"), ("groundtruth", "h36m_gt_3D_test.npz")):
        sequences = np.empty(2, object)
        sequences[:] = [rng.normal(0, 0.3, (frames, 51)).astype(np.float32) for frames in (4, 6)]
        names = np.empty(2, object)
        names[:] = [np.array(["a"] * 4), ["b"] * 6]
        path = folder / "h36m_fcn_3D" / part / file
        path.parent.mkdir(parents=True)
        np.savez(path, joints_3d=sequences, imgname=names)
        files.append(path)
    return files


def _make_smpl(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    content = {"v_template": rng.normal(size=(6, 3)), "f": np.arange(6).reshape(2, 3)}
    for protocol in (0, 2, 4):
        (folder / f"{protocol}.pkl").write_bytes(pickle.dumps(content, protocol))
    np.savez(folder / "a.npz", **content)
    return sorted(folder.iterdir())


def _read_smpl(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        read_smpl_file(path, ["v_template", "f"])


def _make_scores(folder: Path) -> list[Path]:
    score = np.full((2, 3), 1 / 3, np.float32)
    write_scores(folder / "scores.npz", Scores(np.array(["a", "b"]), np.array([0, 1]), score, np.array([1, 2, 3])))
    return [folder / "scores.npz"]


def _read_scores(folder: Path) -> None:
    read_scores(folder / "scores.npz")


def _any_pickle(path: Path) -> None:
    """Read a pickle of anything, of which the sound one is no exception: it holds what is refused."""
    with suppress(InputError):
        read_pickle(path)


DOORS = [
    Door("pickle", _pickles, _read_each),
    Door("pickle of ours", _exported("pyskl", "a.pkl"), _read_incoming(lambda folder: read_pyskl(folder / "a.pkl"))),
    Door("instructions", _opcodes, lambda folder: _any_pickle(folder / "a.pkl")),
    Door("npz", _exported("ctrgcn", "a"), _read_incoming(lambda at: read_ctrgcn(at / "a/NTU60_CS.npz", "xsub", None))),
    Door("npz of objects", _make_benchmark, lambda at: read_pairs(find_benchmark("h36m_fcn_3D"), at, "test", "skip")),
    Door("npy", _exported("npy", "a"), _read_incoming(lambda folder: read_npy_files(folder / "a"))),
    Door("npy and labels", _exported("stgcn", "a"), _read_incoming(lambda folder: read_stgcn(folder / "a", None))),
    Door("lists of names", _make_lists, _read_lists),
    Door("body models", _make_smpl, _read_smpl),
    Door("scores", _make_scores, _read_scores),
    Door("configurations", _make_configs, _read_configs),
    Door("checkpoints", _make_checkpoint, _read_checkpoints),
    Door("stores", _make_stores, _read_store),
]
