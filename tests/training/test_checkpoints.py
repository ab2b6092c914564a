"""What is no checkpoint, or one that asks for more than it holds, is refused in one line."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from base.errors import InputError
from data.skeletons.layouts import LAYOUTS
from recognition.config import InputSection, ModelSection
from recognition.nets.registry import NETS, NetKind, build_model
from recognition.use.recognizer import load_recognizer
from refine.normalise import Normalise
from refine.refiner import load_refiner, refiner_content
from tests.refine.conftest import new_net
from training.checkpoints import load_checkpoint, save_checkpoint


class Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def saved(content, zipped=True):
    with io.BytesIO() as file:
        torch.save(content, file, _use_new_zipfile_serialization=zipped)
        return file.getvalue()


def packed(members, method=zipfile.ZIP_STORED):
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w", method) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        return file.getvalue()


def unpacked(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


SOUND = {"a": torch.arange(4.0), "b": [1, 2.5, "x", None, True, {"c": (1, 2)}]}
MANY = torch.zeros(10**5)
OTHERS = {
    "text": b"root:x:0:0:root:/root:/bin/bash\n" * 20,
    "nothing": b"",
    "half of one": saved(SOUND)[:300],
    "half of an old one": saved(SOUND, False)[:-20],
    "a zip of something else": packed({"readme.txt": "hello"}),
    "a zip without its numbers": packed({name: x for name, x in unpacked(saved(SOUND)).items() if "data/" not in name}),
    "a zip without a table": packed({name: x for name, x in unpacked(saved(SOUND)).items() if "data.pkl" not in name}),
    "a compressed zip": packed(unpacked(saved({"a": torch.zeros(10**6)})), zipfile.ZIP_DEFLATED),
    "a list": saved([1, 2]),
    "gigabytes of zeros": saved({"a": Call(bytearray, 8 << 30)}),
    "gigabytes of zeros, as of old": saved({"a": Call(bytearray, 8 << 30)}, False),
    "a call": saved({"a": Call(print, "hello")}),
    "a memo of gigabytes": packed({**unpacked(saved(SOUND)), "archive/data.pkl": b"\x80\x02Nr\xff\xff\xff\x0f."}),
    "a deep list": packed({**unpacked(saved(SOUND)), "archive/data.pkl": b"\x80\x02)" + b"\x85" * 100_000 + b"."}),
    "a tensor expanded": saved({"a": torch.ones(1).expand(10**10)}),
    "many tensors of the same numbers": saved({str(number): MANY.view(-1) for number in range(300)}),
    "a sparse tensor": saved({"a": torch.eye(3).to_sparse()}),
    "a tensor without numbers": saved({"a": torch.empty(0, device="meta")}),
    "a billion rows of nothing": saved({"a": torch.empty(10**9, 0)}),
}


@pytest.mark.parametrize("content", OTHERS.values(), ids=OTHERS.keys())
def test_what_is_no_checkpoint(tmp_path, content, capsys):
    path = tmp_path / "best.pt"
    path.write_bytes(content)
    for load in (load_checkpoint, load_refiner, load_recognizer):
        with pytest.raises(InputError, match=r"best\.pt") as caught:
            load(path)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("zipped", [True, False])
def test_a_sound_one_comes_back(tmp_path, zipped):
    tied = torch.arange(6.0)
    content = {**SOUND, "tied": tied, "again": tied.view(2, 3), "turned": tied.view(2, 3).T, "int": torch.tensor(3)}
    path: Path = tmp_path / "a.pt"
    path.write_bytes(saved(content, zipped))
    found = load_checkpoint(path)
    assert found["b"] == SOUND["b"]
    for name in ("a", "tied", "again", "turned", "int"):
        assert torch.equal(found[name], content[name])


def recogniser(**changes):
    section = ModelSection(width=2, blocks=3, temporal_kernel=1)
    net = build_model(section, LAYOUTS["ntu25"], 3, 2)
    return {
        "state_dict": net.state_dict(),
        "model": section.model_dump(),
        "input": InputSection().model_dump(),
        "layout": "ntu25",
        "actions": [1, 2],
        "test": {"clips": 1},
        **changes,
    }


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_weight_that_is_not_finite_is_named(tmp_path, bad):
    path = tmp_path / "best.pt"
    state = new_net("basic", 8, 16, 4, 1).state_dict()
    state["encoder.0.weight"][3, 5] = bad
    save_checkpoint(path, {"state_dict": state, **refiner_content({}, Normalise(), 30.0, [])})
    with pytest.raises(InputError, match=r"encoder\.0\.weight: 1 of 128 numbers are NaN or infinite"):
        load_refiner(path)
    content = recogniser()
    content["state_dict"]["classifier.bias"][0] = bad
    save_checkpoint(path, content)
    with pytest.raises(InputError, match=r"classifier\.bias: 1 of 2 numbers are NaN or infinite"):
        load_recognizer(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": {"blocks": 10**9}}, "blocks"),
        ({"model": {"width": 10**9}}, "width"),
        ({"model": {"width": 4096, "blocks": 100, "temporal_kernel": 999}}, "do not fit the network"),
        ({"input": {"frames": 10**9}}, "frames"),
        ({"test": {"clips": 10**9}}, "clips"),
        ({"actions": list(range(1, 20_000))}, "actions"),
        ({"actions": [1, 1]}, "actions"),
        ({"layout": {}}, "damaged checkpoint"),
        ({"model": 3, "confidence": torch.ones(2)}, "damaged checkpoint"),
        ({"state_dict": {"a": 1}}, "no tensor"),
    ],
)
def test_a_recogniser_that_describes_another(tmp_path, changes, message):
    save_checkpoint(tmp_path / "best.pt", recogniser(**changes))
    with pytest.raises(InputError, match=message):
        load_recognizer(tmp_path / "best.pt")


def test_a_network_that_looks_at_its_numbers_while_it_is_made(tmp_path):
    """It cannot be sketched without numbers; it is loaded all the same, and other weights are refused."""

    def build(section, layout, channels, classes):
        assert torch.ones(1).item() == 1
        return torch.nn.Linear(channels, classes)

    NETS.add("looks", NetKind(build))
    try:
        weights = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.zeros(2)}
        save_checkpoint(tmp_path / "a.pt", recogniser(model={"name": "looks"}, state_dict=weights))
        assert torch.equal(load_recognizer(tmp_path / "a.pt").net.weight, weights["weight"])
        save_checkpoint(
            tmp_path / "b.pt", recogniser(model={"name": "looks"}, state_dict={**weights, "bias": torch.zeros(3)})
        )
        with pytest.raises(InputError, match="do not fit the network of 2 actions"):
            load_recognizer(tmp_path / "b.pt")
    finally:
        NETS.remove("looks")


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"fps": float("nan")}, "fps"),
        ({"fps": 1e9}, "fps"),
        ({"trained_on": 3}, "trained_on"),
        ({"normalise": {"centre": "x", "scale": "body"}}, "centre"),
        ({"normalise": 3}, "normalise"),
    ],
)
def test_a_refiner_that_describes_what_there_is_not(tmp_path, about, message):
    content = refiner_content({}, Normalise(), 30.0, [])
    content["refiner"].update(about)
    save_checkpoint(tmp_path / "a.pt", {"state_dict": new_net("basic", 8, 16, 4, 1).state_dict(), **content})
    with pytest.raises(InputError, match=f"'refiner' entry is damaged .*{message}"):
        load_refiner(tmp_path / "a.pt")


def test_a_pickle_of_python_is_none(tmp_path):
    (tmp_path / "a.pt").write_bytes(pickle.dumps({"state_dict": {}}))
    with pytest.raises(InputError, match="not a checkpoint"):
        load_checkpoint(tmp_path / "a.pt")
