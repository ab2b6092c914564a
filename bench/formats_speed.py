"""Other people's formats: clips per second, size and peak memory of each export and import, one process each.

Usage: python bench/formats_speed.py [CLIPS] [FORMAT ...]   (by default 2,000 clips, all formats; the full set: 56,578)

The clips are noise of the lengths of NTU RGB+D 60's (85 frames on average, a fifth with two actors), in a temporary
folder; the full set needs some 12 GB there for CTR-GCN's arrays. Reading and writing pass the disk cache.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.measure import print_table, run_script
from data.ntu.names import ClipName
from data.skeletons.store import StoreInfo, StoreWriter, Track

RUN = Path(__file__).parents[1] / "run.py"
OUTPUTS = {
    "pyskl": ("a.pkl", "a.pkl", []),
    "ctrgcn": ("ctrgcn", "ctrgcn/NTU60_CS.npz", ["--split", "xsub"]),
    "stgcn": ("stgcn", "stgcn", ["--split", "xsub"]),
    "npy": ("npy", "npy", []),
    "skeleton": ("a.zip", "a.zip", []),
}


def write_store(folder: Path, clips: int) -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.3, (600, 25, 3)).astype(np.float32) + np.float32(3)
    state = np.full((300, 25), 2, np.uint8)
    with StoreWriter(folder, StoreInfo()) as writer:
        for at in range(clips):
            frames = int(np.clip(rng.gamma(6, 14), 32, 300))
            start = rng.integers(0, 300, 1 + (rng.random() < 0.2))
            tracks = [Track(actor, 0, noise[s : s + frames], state[:frames]) for actor, s in enumerate(start)]
            rest, action = divmod(at, 60)
            rest, camera = divmod(rest, 3)
            setup, performer = divmod(rest, 40)
            writer.add(ClipName(setup + 1, camera + 1, performer + 1, 1, action + 1), frames, tracks)


def size(path: Path) -> float:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files) / 1e6


def main() -> None:
    clips = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    start, _ = run_script(RUN, "export", "--help")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_store(folder / "store", clips)
        print(f"{clips} clips, store {size(folder / 'store'):,.0f} MB")
        for format in sys.argv[2:] or OUTPUTS:
            output, source, options = OUTPUTS[format]
            words = ["export", str(folder / "store"), str(folder / output), "--format", format, *options]
            there, most = run_script(RUN, *words)
            written = size(folder / output)
            back, highest = run_script(RUN, "import", str(folder / source), str(folder / "back"), "--format", format)
            rates = [f"{clips / (taken - start):,.0f}" for taken in (there, back)]
            rows.append((format, f"{written:,.0f}", rates[0], f"{most:,.0f}", rates[1], f"{highest:,.0f}"))
            for made in (folder / output, folder / "back"):
                made.unlink() if made.is_file() else shutil.rmtree(made)
    print_table(("format", "size MB", "export/s", "MiB", "import/s", "MiB"), rows)


if __name__ == "__main__":
    main()
