import numpy as np
from matplotlib import image
from typer.testing import CliRunner

from data.ntu.simulate import SimulateSection, calibration
from drawing import gallery
from drawing.gallery import draw_sheet


def test_a_sheet_shows_clean_and_noisy_people(tmp_path):
    for severity in (0.0, 3.0):
        draw_sheet(tmp_path / f"{severity}.png", SimulateSection(severity=severity), [23, 58])
    still, shaken = (image.imread(tmp_path / f"{severity}.png")[..., :3] for severity in (0.0, 3.0))
    assert still.shape == shaken.shape
    assert (still < 0.9).any(axis=2).mean() > 0.005  # something is drawn
    assert np.abs(still - shaken).max() > 0.5


def test_the_commands_have_help():
    import typer

    for main in (calibration.main, gallery.main):
        app = typer.Typer()
        app.command()(main)
        assert CliRunner().invoke(app, ["--help"]).exit_code == 0
