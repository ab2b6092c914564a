import shutil

from ablation.study import plan
from tests.ablation.small_study import configured, planned


def test_cells_of_a_seed_differ_in_the_store_alone(settings):
    config = configured(settings)
    trainings = planned(config).trainings
    assert [training.title for training in trainings] == [
        f"{arm}, seed {seed}" for seed in (0, 1) for arm in ("raw", "Gaussian", "noise-free")
    ]
    assert len({training.folder for training in trainings}) == len(trainings)
    for training in trainings:
        same = training.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})
        first = next(one for one in trainings if one.config.run.seed == training.config.run.seed)
        assert same == first.config.model_dump(exclude={"run": {"dir"}, "data": {"store"}})


def test_a_cell_is_named_by_what_determines_it(settings, tmp_path):
    folders = {training.folder for training in planned(configured(settings)).trainings}
    copied = shutil.copytree(tmp_path / "raw", tmp_path / "elsewhere")
    moved = configured(
        settings, run={"dir": tmp_path / "runs" / "other", "device": "cpu"}, data={**settings["data"], "store": copied}
    )
    assert {training.folder for training in planned(moved).trainings} == folders
    longer = {**settings["recognize"], "train": {**settings["recognize"]["train"], "epochs": 2}}
    assert not folders & {training.folder for training in planned(configured(settings, recognize=longer)).trainings}
    crowded = {**settings["recognize"], "input": {**settings["recognize"].get("input", {}), "people": 3}}
    assert not folders & {training.folder for training in planned(configured(settings, recognize=crowded)).trainings}


def test_keys_that_came_later_leave_the_names_of_earlier_cells(settings, monkeypatch):
    named = []
    monkeypatch.setattr(plan, "name_of", lambda kind, what: named.append(what) or str(len(named)))
    planned(configured(settings))
    assert named
    for what in named:
        assert not {"balance", "frozen"} & set(what["train"])
        assert "people" not in what["input"]


def test_only_what_the_grid_names_is_trained(settings):
    ensembles = {"two": {"joint": 1, "bone": 1}}
    grid = {"pairings": ["both", "test", "train"], "ensembles": ensembles, "streams": ["joint"], "shares": [1, 0.5]}
    found = planned(configured(settings, grid=grid, seeds=[0]))
    # three arms, two streams and two shares; trained on one and tested on the other takes no further training
    assert len(found.trainings) == 12
    assert [(c.pairing, c.share, c.stream) for c in found.conditions] == [
        (pairing, share, stream) for pairing in grid["pairings"] for share in (1, 0.5) for stream in ("joint", "two")
    ]
    raw = next(
        training
        for training in found.trainings
        if training.title.startswith("raw, seed 0, 100%") and "joint" in training.title
    )
    assert len(raw.others) == 2


def test_all_arms_are_tested_on_the_recognisers_that_a_pairing_names(settings):
    config = configured(settings, arms=["raw", "oracle"], seeds=[0, 1], grid={"pairings": ["both", "oracle"]})
    found = planned(config)
    assert len(found.trainings) == 4  # two arms, two seeds; none for testing
    own = {(use.arm, use.seed): use.training.folder for use in found.uses if use.condition.pairing == "both"}
    for use in found.uses:
        if use.condition.pairing == "oracle":
            assert use.training.folder == own["oracle", use.seed]
            assert (use.other is None) == (use.arm == "oracle")


def test_an_arm_may_be_trained_on_alone(settings):
    config = configured(settings, arms=["raw", "refined"], seeds=[0], grid={"pairings": ["oracle"]})
    found = planned(config)
    assert [training.title for training in found.trainings] == ["noise-free, seed 0"]
    assert {use.arm for use in found.uses} == {"raw", "refined"}
