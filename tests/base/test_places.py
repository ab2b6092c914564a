from pathlib import Path

import pytest

from base.config import load_config
from base.errors import InputError
from base.settings import Section
from data.ntu.prepare import PrepareConfig, prepare

ROOT = Path(__file__).parents[2]


class Inner(Section):
    store: Path | None = None
    several: tuple[Path, ...] = ()
    named: dict[str, Path] = {}  # noqa: RUF012


class Outer(Section):
    data: Inner = Inner()


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c.yaml").write_text("data: {}\n")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "word", "said"),
    [
        ("data/ntu/simulated", "data.store=datasets/ntu/simulated/raw", "mv data/ntu/simulated datasets/ntu/sim"),
        ("data/ntu/simulated1", "data.several=[a, datasets/ntu/simulated1]", "mv data/ntu/simulated1 datasets"),
        ("data/ntu/stores/ntu60", "data.store=datasets/ntu/ntu60", "mv data/ntu/stores/ntu60 datasets/ntu/ntu60`"),
        ("data/poses", "data.named={a: datasets/poses/h36m}", "mkdir -p datasets && mv data/poses datasets/poses`"),
    ],
)
def test_data_of_an_earlier_version_are_found_and_named_in_one_line(here, old, word, said):
    load_config(Outer, Path("c.yaml"), [word])  # neither is there: nothing to say
    (here / old).mkdir(parents=True)
    with pytest.raises(InputError) as refused:
        load_config(Outer, Path("c.yaml"), [word])
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    command = str(refused.value).split("`")[1]
    assert load_config(Outer, Path("c.yaml"), [f"data.store={old}"]).data.store == Path(old)  # the old path is as good
    before, after = command.partition("&& mv ")[2].split()
    (here / after).parent.mkdir(parents=True, exist_ok=True)
    (here / before).rename(here / after)
    load_config(Outer, Path("c.yaml"), [word])


def test_the_old_path_to_give_is_a_whole_one(here):
    (here / "data/ntu/simulated/raw").mkdir(parents=True)
    with pytest.raises(InputError, match=r"\(data\.store=data/ntu/simulated/raw, "):
        load_config(Outer, Path("c.yaml"), ["data.store=datasets/ntu/simulated/raw"])


def test_the_code_that_simulates_is_no_data(here):
    (here / "data/ntu/simulate").mkdir(parents=True)
    load_config(Outer, Path("c.yaml"), ["data.store=datasets/ntu/simulate"])


def test_a_shipped_configuration_is_found_from_any_folder(here):
    shipped = load_config(PrepareConfig, Path("configs/prepare/default.yaml"))
    assert shipped == load_config(PrepareConfig, ROOT / "configs/prepare/default.yaml")
    (here / "configs/prepare").mkdir(parents=True)
    (here / "configs/prepare/default.yaml").write_text("data: {store: mine}\n")  # one's own goes first
    assert load_config(PrepareConfig, Path("configs/prepare/default.yaml")).data.store == Path("mine")
    with pytest.raises(InputError, match=r"^run\.py: cannot read the configuration"):
        load_config(PrepareConfig, Path("run.py"))


def test_a_stand_in_that_was_moved_is_prepared_already(here):
    def config(folder):
        simulate = {"folder": folder, "clips": 2, "actions": [9], "performers": [1, 2]}
        return PrepareConfig(simulate=simulate, data={"store": f"{folder}/raw"})

    made = prepare(config("before"))
    (here / "before").rename(here / "after")
    again = prepare(config("after"))
    assert "seconds" not in again  # nothing was done
    assert again == {key: again["store"] if key == "store" else made[key] for key in again}
    moved = config("after")
    with pytest.raises(InputError, match="already prepared"):
        prepare(moved.model_copy(update={"data": moved.data.model_copy(update={"fps": 25.0})}))
