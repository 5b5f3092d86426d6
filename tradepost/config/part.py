"""What every section of the configuration file has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

STRICT = ConfigDict(
    frozen=True,
    extra="forbid",
    hide_input_in_errors=True,
    coerce_numbers_to_str=True,  # a number's text is kept by the reader, so that an id may go without quotes
    str_strip_whitespace=True,
    use_attribute_docstrings=True,
)


class Part(BaseModel):
    """Base of every section. A key with nothing behind it counts as left out, where it may be left out."""

    model_config = STRICT

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        may = {name for name, field in cls.model_fields.items() if not field.is_required()}
        return {key: value for key, value in data.items() if value is not None or key not in may}
