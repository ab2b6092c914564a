"""What is checked of every training."""

from dataclasses import replace

import pytest

from base.errors import InputError


def same_when_interrupted(train, folder, recipe, at):
    """Train at once, and stopped when `at` was said; return the path of the weights."""
    whole = train(folder / "whole", recipe, say=lambda text: None)

    def stop(text):
        if at in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(folder / "again", recipe, say=stop)
    assert train(folder / "again", recipe, say=lambda text: None).read_bytes() == whole.read_bytes()
    with pytest.raises(InputError, match="another recipe"):
        train(folder / "again", replace(recipe, seed=2), say=lambda text: None)
    return whole
