import pytest
import torch
from torch import nn

from bench import on_a_card as card


@pytest.fixture(params=[card.Asked, card.tiny])
def asked(request, tmp_path):
    return request.param("cpu", tmp_path)


def test_every_part_has_a_configuration(asked):
    recipe = card.recipe(asked, "train.compile=true")
    assert (recipe.trained, recipe.train.compile, recipe.train.repeat) == (("joint",), True, 5)
    study = card.study(asked)
    assert (study.seeds, study.grid.splits, study.grid.streams) == ((0,), ("xsub",), ("joint",))
    assert {"raw", "refined", "steady"} <= set(study.arms)
    assert study.recognize.train.precision == "bf16"
    assert card.smoothnet(asked).train.names == ("ntusim_kinect_3D",)


def test_simulated_clips_are_whole():
    clips = card.simulated(50, torch.device("cpu"), torch.device("meta"))
    assert len(clips.joints) == int(clips.length.sum())
    assert clips.track_of[-1] == len(clips.length)
    assert 50 < len(clips.length) < 70  # 11 in 60 have a second actor
    first = clips.track_of[:-1]
    assert torch.equal(clips.length[first], clips.frames)
    assert clips.device.type == "meta"


class Seen(nn.Module):
    def forward(self, x):
        self.x = x
        return x


def test_absent_actors_are_zeros_in_the_usual_way_of_writing_it():
    x = torch.arange(3.0).add(1)[:, None, None, None].expand(3, 4, 25, 3)
    dense = card.Dense(seen := Seen())
    dense(x, torch.tensor([0, 1, 1]), 2)
    assert seen.x.shape == (2, 3, 4, 25, 2)  # [N, C, T, V, M]
    assert seen.x[:, 0, 0, 0].tolist() == [[1, 0], [2, 3]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--seconds", "step=3"], "--seconds: there is no part step; there are steps, refine"),
        (["--seconds", "steps=x"], "--seconds: could not convert string to float: 'x'; give numbers, as in steps=90"),
    ],
)
def test_a_wrong_time_is_told_in_one_line(words, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["on_a_card.py", "--device", "cpu", *words])
    with pytest.raises(SystemExit):
        card.main()
    assert message in capsys.readouterr().err
