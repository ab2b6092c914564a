import json
import sys

import pytest

from base.errors import InputError
from base.optional import import_optional


def test_a_library_that_is_there_is_returned():
    assert import_optional("json", "fast", "reading") is json


def test_one_that_is_not_there_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "roma", None)  # as if it were not installed
    with pytest.raises(InputError) as refused:
        import_optional("roma.utils", "smpl", "smpl.model")
    assert str(refused.value) == "smpl.model needs roma: pip install 'steady-skeletons[smpl]'"
