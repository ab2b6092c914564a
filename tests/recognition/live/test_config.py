from pathlib import Path

from base.config import load_config
from recognition.live.config import WatchConfig


def test_the_shipped_configuration_says_the_defaults():
    assert load_config(WatchConfig, Path("configs/watch/default.yaml")) == WatchConfig()
