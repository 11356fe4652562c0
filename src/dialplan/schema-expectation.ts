import { z } from 'zod';

import type { PlanPath } from './plan-path';

/** Words that a text may be, where there are too many to list: the nearest is suggested. */
export const suggestions = z.registry<{ words: () => readonly string[] }>();

/** The schema that stands at a path of a file, chosen by the data where there are alternatives. */
export function schemaAt(schema: z.core.$ZodType, data: unknown, path: PlanPath): z.core.$ZodType | undefined {
  const [segment, ...rest] = path;
  if (segment === undefined) return schema;
  const container = variantFor(schema, data);
  const inner = (data as Record<string | number, unknown> | null | undefined)?.[segment];
  if (container instanceof z.ZodObject) {
    const shape = container.shape as Record<string, z.core.$ZodType>;
    const next = Object.hasOwn(shape, segment) ? shape[segment] : undefined;
    return next === undefined ? undefined : schemaAt(next, inner, rest);
  }
  if (container instanceof z.ZodDiscriminatedUnion && segment === container.def.discriminator) {
    return z.union(container.options.map((option) => schemaAt(option, {}, [segment]) ?? z.never()));
  }
  if (container instanceof z.ZodRecord) return schemaAt(container.valueType, inner, rest);
  if (container instanceof z.ZodArray) return schemaAt(container.element, inner, rest);
  return undefined;
}

/** The keys that a map may have; empty when the schema is not of a map with fixed keys. */
export function validKeys(schema: z.core.$ZodType | undefined, data: unknown): string[] {
  const container = schema === undefined ? undefined : variantFor(schema, data);
  return container instanceof z.ZodObject ? Object.keys(container.shape) : [];
}

/** The words that a value may be; empty when it is not chosen from words. */
export function validWords(schema: z.core.$ZodType | undefined): string[] {
  const inner = schema === undefined ? undefined : unwrapped(schema);
  if (inner instanceof z.ZodEnum) return Object.values(inner.enum).map(String);
  if (inner instanceof z.ZodLiteral) return [...inner.values].map(String);
  if (inner instanceof z.ZodUnion) return inner.options.flatMap((option) => validWords(option));
  return [];
}

/** Words to look for a near one in; empty for most schemas. */
export function suggestionsOf(schema: z.core.$ZodType | undefined): readonly string[] {
  return schema === undefined ? [] : (suggestions.get(schema)?.words() ?? []);
}

/** What a person should write there. */
export function expectationOf(schema: z.core.$ZodType): string {
  const { expected } = metaOf(schema);
  if (typeof expected === 'string') return expected;
  const inner = unwrapped(schema);
  const words = validWords(inner);
  if (words.length === 1) return words[0] ?? '';
  if (words.length > 1) return `one of ${words.join(', ')}`;
  if (inner instanceof z.ZodString)
    return inner.maxLength === null ? 'text' : `text of at most ${inner.maxLength} characters`;
  if (inner instanceof z.ZodNumber) return numberExpectation(inner);
  if (inner instanceof z.ZodBoolean) return 'true or false';
  if (inner instanceof z.ZodArray) return `a list, each entry ${expectationOf(inner.element)}`;
  if (inner instanceof z.ZodObject) return `a map with ${Object.keys(inner.shape).join(', ')}`;
  if (inner instanceof z.ZodRecord) return 'a map of names';
  if (inner instanceof z.ZodUnion)
    return [...new Set(inner.options.map((option) => expectationOf(option)))].join('; or ');
  return 'another value';
}

function numberExpectation(schema: z.ZodNumber): string {
  const kind = schema.format === 'safeint' ? 'a whole number' : 'a number';
  return `${kind} from ${String(schema.minValue)} to ${String(schema.maxValue)}`;
}

function variantFor(schema: z.core.$ZodType, data: unknown): z.core.$ZodType {
  const inner = unwrapped(schema);
  if (!(inner instanceof z.ZodUnion)) return inner;
  const options = inner.options.map((option) => unwrapped(option));
  if (inner instanceof z.ZodDiscriminatedUnion) {
    const key = inner.def.discriminator;
    const tag = (data as Record<string, unknown> | null | undefined)?.[key];
    const chosen = options.find((option) => {
      const field = option instanceof z.ZodObject ? (option.shape as Record<string, z.core.$ZodType>)[key] : undefined;
      return validWords(field).includes(String(tag));
    });
    return chosen ?? inner;
  }
  const wantsArray = Array.isArray(data);
  const container = options.find((option) =>
    wantsArray ? option instanceof z.ZodArray : option instanceof z.ZodObject,
  );
  return container ?? inner;
}

function unwrapped(schema: z.core.$ZodType): z.core.$ZodType {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) return unwrapped(schema.unwrap());
  if (schema instanceof z.ZodPipe) return unwrapped(schema.in);
  return schema;
}

/** True for values that must be references because they lead to a secret. */
export function isSecret(schema: z.core.$ZodType): boolean {
  return metaOf(schema)['secret'] === true;
}

/** What was said of a schema, or of the one that it makes optional. */
function metaOf(schema: z.core.$ZodType): Readonly<Record<string, unknown>> {
  const own = schema instanceof z.ZodType ? schema.meta() : undefined;
  const isWrapped = schema instanceof z.ZodOptional || schema instanceof z.ZodDefault;
  return isWrapped ? { ...metaOf(schema.unwrap()), ...own } : { ...own };
}
