"""Simulated stand-in data: kinematic skeletons that perform NTU's actions before a simulated Kinect v2.

What simulates is imported when it is asked for: every configuration has the section, and few make the data.
"""

from typing import TYPE_CHECKING, Any

from data.ntu.simulate.config import SimulateSection as SimulateSection

if TYPE_CHECKING:
    from data.ntu.simulate.kinect import LAB as LAB
    from data.ntu.simulate.kinect import NTU as NTU
    from data.ntu.simulate.kinect import Setting as Setting
    from data.ntu.simulate.kinect import kinect_noise as kinect_noise
    from data.ntu.simulate.stand_in import make_stand_in as make_stand_in

__all__ = ["LAB", "NTU", "Setting", "SimulateSection", "kinect_noise", "make_stand_in"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from data.ntu.simulate import kinect, stand_in

    return getattr(stand_in if name == "make_stand_in" else kinect, name)
