import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { schemaFileText } from '../../src/cli/schema';
import { editorSchema, innerOf, propertiesOf, variantsOf } from '../../src/dialplan/plan-json-schema';
import type { JsonSchema } from '../../src/dialplan/plan-json-schema';
import { planFileSchema } from '../../src/dialplan/plan-schema';

/** Every schema within one, itself included. */
function everySchema(schema: JsonSchema): JsonSchema[] {
  const inner = innerOf(schema);
  const below = [...propertiesOf(schema).map(([, value]) => value), ...variantsOf(schema)];
  return [schema, ...[...below, ...(inner === undefined ? [] : [inner])].flatMap(everySchema)];
}

function schemaOf(...path: string[]): JsonSchema {
  return path.reduce<JsonSchema>(
    (schema, key) => (key === '*' ? innerOf(schema)! : propertiesOf(schema).find(([name]) => name === key)![1]),
    editorSchema(),
  );
}

/** The keys of a map that have defaults, as an admin would write them. */
function defaultsOf(schema: JsonSchema): Record<string, unknown> {
  const entries = propertiesOf(schema).filter(([, value]) => value.default !== undefined);
  return Object.fromEntries(entries.map(([key, value]) => [key, value.default]));
}

test('dialplans/schema.json is what the definition renders', () => {
  expect(readFileSync(join('dialplans', 'schema.json'), 'utf8')).toBe(schemaFileText());
});

test('every dialplan that is shipped names the schema for its editor in its first line', () => {
  for (const file of readdirSync('dialplans').filter((name) => name.endsWith('.yaml'))) {
    const [firstLine] = readFileSync(join('dialplans', file), 'utf8').split('\n');
    expect(firstLine).toBe('# yaml-language-server: $schema=./schema.json');
  }
});

test('every key has a text to hover over', () => {
  const keys = everySchema(editorSchema()).flatMap(propertiesOf);
  expect(keys.length).toBeGreaterThan(80);
  expect(keys.filter(([, schema]) => schema.description === undefined).map(([key]) => key)).toEqual([]);
});

test('an unknown key is wrong in every map with fixed keys', () => {
  const maps = everySchema(editorSchema()).filter((schema) => schema.properties !== undefined);
  expect(maps.filter((schema) => schema.additionalProperties !== false)).toEqual([]);
});

test('there is no keyword that editors do not know', () => {
  const keywords = new Set(everySchema(editorSchema()).flatMap((schema) => Object.keys(schema)));
  expect([...keywords].filter((keyword) => ['expected', 'secret', 'id'].includes(keyword))).toEqual([]);
  expect(schemaFileText()).not.toContain('"expected"');
});

test('every pattern is an expression that an editor can read', () => {
  const patterns = everySchema(editorSchema()).flatMap(({ pattern }) => (pattern === undefined ? [] : [pattern]));
  expect(patterns.length).toBeGreaterThan(10);
  for (const pattern of patterns) expect(() => new RegExp(pattern, 'u')).not.toThrow();
});

test('every default means, when it is written out, what is meant without it', () => {
  const variants = variantsOf(schemaOf('agents', '*', 'turn_detection'));
  const plan = (written: (schema: JsonSchema) => Record<string, unknown>) =>
    planFileSchema.parse({
      destinations: { d: { to: '100', ...written(schemaOf('destinations', '*')) } },
      trunks: { t: { addresses: ['192.0.2.1'], register: written(schemaOf('trunks', '*', 'register')) } },
      agents: {
        a: written(schemaOf('agents', '*')),
        b: { turn_detection: { type: 'server_vad', ...written(variants[0]!) } },
        c: { turn_detection: { type: 'semantic_vad', ...written(variants[1]!) } },
      },
      tools: { w: { http: { url: 'https://example.com/', ...written(schemaOf('tools', '*', 'http')) } } },
      routes: [{ name: 'r', when: 'any', ...written(schemaOf('routes', '*')) }],
    });
  expect(plan(defaultsOf)).toEqual(plan(() => ({})));
  expect(defaultsOf(schemaOf('destinations', '*'))).toEqual({
    method: 'bridge',
    ring: '25s',
    waiting: 'music',
  });
});

test('what this release refuses is told where it would be written', () => {
  expect(schemaOf('agents', '*', 'kind').description).toContain('In this release only: agent (DP401).');
  expect(schemaOf('routes', '*', 'answer').description).not.toContain('DP401');
});
