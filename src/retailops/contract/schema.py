"""JSON Schema of the 2022 contract, from the models: what strict verification and the documentation use."""

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from retailops.contract.base import WireModel


class _Contract2022(GenerateJsonSchema):
    """Arrays and optional fields are left out, never null; `required_2022` fields are required."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        if issubclass(model, WireModel) and model.required_2022:
            made["required"] = sorted({*made.get("required", ()), *model.required_2022})
        return made


def json_schema(model: type[WireModel]) -> JsonSchemaValue:
    """The model's schema (draft 2020-12), by wire names."""
    return model.model_json_schema(by_alias=True, schema_generator=_Contract2022)
