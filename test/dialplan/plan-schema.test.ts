import { z } from 'zod';

import { planFileSchema } from '../../src/dialplan/plan-schema';

/** Every key of the language, as `routes.*.when.to`, with what an editor shows for it. */
function keysOf(
  schema: z.core.$ZodType,
  path: string,
  found: Map<string, string | undefined>,
): Map<string, string | undefined> {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) keysOf(schema.unwrap(), path, found);
  else if (schema instanceof z.ZodUnion) for (const option of schema.options) keysOf(option, path, found);
  else if (schema instanceof z.ZodArray) keysOf(schema.element, `${path}.*`, found);
  else if (schema instanceof z.ZodRecord) keysOf(schema.valueType, `${path}.*`, found);
  else if (schema instanceof z.ZodObject) {
    for (const [key, inner] of Object.entries(schema.shape)) {
      found.set(`${path}.${key}`, inner.description);
      keysOf(inner, `${path}.${key}`, found);
    }
  }
  return found;
}

test('every key has a sentence that an editor can show', () => {
  const keys = keysOf(planFileSchema, '', new Map());
  expect(keys.size).toBeGreaterThan(90);
  for (const [key, description] of keys) expect([key, description]).toEqual([key, expect.stringMatching(/^\S.*\.$/)]);
});

test('the definition can become a JSON Schema for editors', () => {
  const schema = z.toJSONSchema(planFileSchema, { io: 'input' });
  expect(schema).toMatchObject({ type: 'object', additionalProperties: false });
  expect(JSON.stringify(schema)).toContain('The number that was dialled');
});
