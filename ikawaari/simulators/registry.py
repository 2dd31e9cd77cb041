"""The simulators, by the name of their provider."""

from collections.abc import Mapping

from ikawaari.simulators.ground import Simulator

SIMULATORS: Mapping[str, type[Simulator]] = {}
