"""Simulated stand-in data: kinematic skeletons that perform NTU's actions before a simulated Kinect v2."""

from data.ntu.simulate.config import SimulateSection
from data.ntu.simulate.kinect import LAB, NTU, Setting, kinect_noise
from data.ntu.simulate.stand_in import make_stand_in

__all__ = ["LAB", "NTU", "Setting", "SimulateSection", "kinect_noise", "make_stand_in"]
