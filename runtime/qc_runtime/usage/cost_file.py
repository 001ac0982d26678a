"""The shape of a cost file."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _as_range(value: Any) -> Any:
    """One number is a range of itself; two go from the smaller to the larger."""
    if isinstance(value, list):
        numbers = all(isinstance(one, int | float) for one in value)
        return tuple(sorted(value)) if numbers else tuple(value)
    return (value, value)


_Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Range = Annotated[tuple[_Amount, _Amount], BeforeValidator(_as_range)]
_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OptionFile(_Strict):
    name: str
    deploy: _Range
    power_per_month: _Range


class CostFile(_Strict):
    options: Annotated[list[OptionFile], Field(min_length=1)]
    currency: str = "元"
    life_months: _Positive = 60.0
    manual_per_record: _Positive | None = None
    records_per_month: _Positive | None = None
