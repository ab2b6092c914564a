"""Libraries that only some data needs, imported where they are used and not before."""

import importlib
from types import ModuleType

from base.errors import InputError


def import_optional(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a library of one of the project's extras.

    Parameters
    ----------
    module
        Its full name.
    extra
        The extra of this project that installs it.
    purpose
        What needs it, as the subject of a sentence.

    Raises
    ------
    InputError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise InputError(f"{purpose} needs {library}: pip install 'steady-skeletons[{extra}]'") from error
