"""The calculators: what is installed, how each is asked, and those that cannot be."""

from __future__ import annotations

from dataclasses import dataclass

PROBES = "benchmarks.calculators.probes"


@dataclass(frozen=True)
class Calculator:
    """A calculator from the package index.

    Attributes:
        name: Its name there.
        version: The version that is asked.
        probe: The module of `probes` that asks it.
        beside: Packages that it needs for this and does not require.
    """

    name: str
    version: str
    probe: str
    beside: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """What pip is told."""
        return (f"{self.name}=={self.version}", *self.beside)


CALCULATORS = (
    Calculator("aiconfigurator", "0.12.0", "aiconfigurator"),
    Calculator("llm-mem-planner", "0.2.2", "llm_mem_planner"),
    Calculator("vramscout", "0.7.0", "vramscout"),
    Calculator("llm-d-planner", "0.3.3", "llm_d_planner", ("transformers==5.23.0",)),
    Calculator("ridgepoint", "0.1.2", "ridgepoint"),
    Calculator("hf-mem", "0.5.6", "hf_mem"),
    Calculator("llm-cal", "0.2.0", "llm_cal"),
    Calculator("vllm-wizard", "0.2.0", "vllm_wizard"),
    Calculator("modelinfo-cli", "1.4.4", "modelinfo"),
    Calculator("fitcheck-llm", "0.3.1", "fitcheck"),
    Calculator("vramcalc", "0.1.2", "vramcalc"),
    Calculator("llm-sizer", "0.1.0", "llm_sizer"),
)
