"""The packages that people release in a rehearsal."""

from bot.rehearsal.packages.build import Variant, sample_package

__all__ = ["Variant", "sample_package"]
