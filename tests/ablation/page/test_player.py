import base64
import json

import numpy as np

from ablation.page.player import player_data


def test_positions_come_back_in_millimetres(make):
    study, clip = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100), make.clip(60)
    clip.seen[3, 7] = False
    (shown,) = json.loads(player_data(study, [("why", clip)]))
    assert (shown["frames"], shown["joints"], shown["unit"]) == (60, 25, "mm/frame²")
    raw = np.frombuffer(base64.b64decode(shown["arms"][0]["positions"]), "<i2").reshape(60, 25, 3)
    assert (raw[3, 7] == -32768).all()
    joints = 1000 * clip.joints["raw"]
    known = clip.seen
    distances = np.linalg.norm(raw[known] - raw[0, 0].astype(float), axis=-1)
    np.testing.assert_allclose(distances, np.linalg.norm(joints[known] - joints[0, 0], axis=-1), atol=1.8)
    assert shown["arms"][0]["acceleration"][0] is None
    assert len(shown["arms"][0]["acceleration"]) == 60


def test_a_long_clip_is_cut_around_its_most_jittery_frame(make):
    study, clip = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100), make.clip(900)
    clip.joints["raw"][700, 5] += 3
    (shown,) = json.loads(player_data(study, [("why", clip)]))
    assert shown["frames"] == 300
    assert shown["first"] <= 700 < shown["first"] + 300


def test_text_cannot_end_the_script(make):
    study = make.study({"raw": 0, "refined": 0.1}, clips=96, resamples=100)
    assert "<" not in player_data(study, [("</script>", make.clip(50))])
