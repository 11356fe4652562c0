import { z } from 'zod';

import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import { planFileSchema } from './plan-schema';
import { leaveOut, unbuiltKeys, unbuiltValues } from './unbuilt-keys';

/** A JSON Schema as data. `expected` is our own keyword: what a person should write there. */
export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The JSON Schema (draft 7, which YAML editors know best) of one dialplan file, with nothing but its own keywords. */
export function editorSchema(): JsonSchema {
  return { title: 'A dialplan of Ringbridge', ...annotatedSchema({ keepExpected: false }) };
}

/** The same with `expected`, for the reference page. */
export function annotatedSchema({ keepExpected = true }: { keepExpected?: boolean } = {}): JsonSchema {
  const schema = z.toJSONSchema(planFileSchema, {
    io: 'input',
    target: 'draft-7',
    override({ zodSchema, jsonSchema }) {
      const { def } = zodSchema._zod;
      if (def.type === 'default') {
        jsonSchema.default = asWritten(def.defaultValue, { isDuration: def.innerType._zod.def.type === 'pipe' });
      }
      delete jsonSchema['secret'];
      if (!keepExpected) delete jsonSchema['expected'];
    },
  });
  for (const path of unbuiltKeys) tellAt(schema, path, `Not in this release: refused (${problemCodes.notBuilt}).`);
  for (const { path, expected } of unbuiltValues) {
    if (expected !== leaveOut) tellAt(schema, path, `In this release only: ${expected} (${problemCodes.notBuilt}).`);
  }
  return schema;
}

/** The variants of a schema: itself, or those that it is one of. */
export function variantsOf(schema: JsonSchema): JsonSchema[] {
  return [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(asSchema);
}

/** What stands under any name of a map, or in a list. */
export function innerOf(schema: JsonSchema): JsonSchema | undefined {
  const { additionalProperties, items } = schema;
  return [additionalProperties, ...(Array.isArray(items) ? items : [items])].flatMap(asSchema)[0];
}

export function propertiesOf(schema: JsonSchema): [string, JsonSchema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, value]) =>
    asSchema(value).map((inner): [string, JsonSchema] => [key, inner]),
  );
}

/** A default as an admin would write it. The only values that are read into something else are durations. */
function asWritten(value: unknown, { isDuration }: { isDuration: boolean }): unknown {
  if (isDuration) return durationText(Number(value));
  // The other keys of such a map have the same values by their own defaults.
  if (typeof value === 'object' && value !== null && 'type' in value) return { type: value.type };
  return value;
}

function durationText(ms: number): string {
  if (ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

function tellAt(schema: JsonSchema, path: PlanPath, text: string): void {
  for (const found of schemasAt(schema, path)) found.description = [found.description, text].filter(Boolean).join(' ');
}

function schemasAt(schema: JsonSchema, path: PlanPath): JsonSchema[] {
  const [segment, ...rest] = path;
  if (segment === undefined) return [schema];
  const own = segment === '*' ? innerOf(schema) : propertiesOf(schema).find(([key]) => key === segment)?.[1];
  const inner = [...(own === undefined ? [] : [own])].flatMap((found) => schemasAt(found, rest));
  return [...inner, ...variantsOf(schema).flatMap((variant) => schemasAt(variant, path))];
}

function asSchema(schema: JsonSchema | boolean | undefined): JsonSchema[] {
  return typeof schema === 'object' ? [schema] : [];
}
