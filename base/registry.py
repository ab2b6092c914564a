"""Kinds of one thing by their names: each is one file of a package, or one module of somebody else's."""

import difflib
import pkgutil
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import entry_points
from typing import Generic, TypeVar

Kind = TypeVar("Kind")


class Registry(Generic[Kind]):
    """What there is of one sort: networks, filters, file formats, sections of the report.

    Every module of `package` is imported the first time that somebody looks; it adds what it holds by calling `add`
    when it is imported. Other packages add theirs in the same way, from a module that they import themselves or name
    as an entry point of `group`, which worker processes find too.

    Parameters
    ----------
    package
        The package whose files are kinds, such as `recognition.nets`.
    noun
        What messages call one of them, such as "network".
    group
        The entry points of other packages.
    """

    def __init__(self, package: str, noun: str, group: str) -> None:
        self.noun = noun
        self._package, self._group = package, group
        self._kinds: dict[str, Kind] = {}
        self._added_by: dict[str, str] = {}
        self._looked = False

    def add(self, name: str, kind: Kind) -> Kind:
        """Add a kind under its name and return it.

        Raises
        ------
        ValueError
            Another one has this name.
        """
        if self._kinds.get(name, kind) is not kind:
            raise ValueError(f"there are two {self.noun}s called {name!r}")
        self._kinds[name] = kind
        self._added_by[name] = sys._getframe(1).f_globals.get("__name__", "")
        return kind

    def remove(self, name: str) -> None:
        """Take a kind away, for tests that added it."""
        self._kinds.pop(name, None)
        self._added_by.pop(name, None)

    def _look(self) -> None:
        if self._looked:
            return
        self._looked = True  # first, for the modules below may ask for other kinds while they are imported
        files = [
            f"{self._package}.{found.name}" for found in pkgutil.iter_modules(import_module(self._package).__path__)
        ]
        for file in files:
            import_module(file)
        for point in entry_points(group=self._group):
            point.load()
        # Some may have been imported before the others, by whoever wanted them alone.
        places = {file: place for place, file in enumerate(files)}
        order = sorted(self._kinds, key=lambda name: places.get(self._added_by[name], len(files)))
        self._kinds = {name: self._kinds[name] for name in order}

    def names(self) -> tuple[str, ...]:
        """Return all names, the package's own first, in the order of its files."""
        self._look()
        return tuple(self._kinds)

    def __iter__(self) -> Iterator[Kind]:
        self._look()
        return iter(tuple(self._kinds.values()))

    def __contains__(self, name: object) -> bool:
        self._look()
        return name in self._kinds

    def __getitem__(self, name: str) -> Kind:
        """Return the kind of a name.

        Raises
        ------
        ValueError
            There is none; the message names those that there are.
        """
        self._look()
        if name not in self._kinds:
            near = difflib.get_close_matches(name[:60], self._kinds, n=1)
            advice = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(self._kinds)}"
            raise ValueError(f"no {self.noun} is called {name[:60]!r}; {advice}")
        return self._kinds[name]
