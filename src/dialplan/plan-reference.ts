import { annotatedSchema, innerOf, propertiesOf, variantsOf } from './plan-json-schema';
import type { JsonSchema } from './plan-json-schema';

/** The page docs/dialplan-reference.md, rendered from the definition that also validates. */
export function planReference(): string {
  return [
    '# The language of dialplans',
    '',
    'Every key of a dialplan file. A folder of files `*.yaml` is one plan; they are read in the order of their names. What is',
    'not listed here is an error: [dialplan-problems.md](dialplan-problems.md) explains each code. NAME stands for a name of',
    'your own. Durations carry their unit: `500ms`, `6s`, `20m`.',
    '',
    'This page is made from `src/dialplan/plan-schema.ts` by `ringbridge schema --reference`; a test fails when the two differ.',
    '',
    '## Sections',
    '',
    ...table(annotatedSchema()),
    ...propertiesOf(annotatedSchema()).flatMap(([name, schema]) => [`## ${name}`, '', ...tablesOf(schema, name)]),
  ].join('\n');
}

/** The table of every map with fixed keys, from the outside in. */
function tablesOf(schema: JsonSchema, path: string): string[] {
  const variants = variantsOf(schema);
  if (variants.length > 0) return variants.flatMap((variant) => tablesOf(variant, path));
  const inner = innerOf(schema);
  if (inner !== undefined) return tablesOf(inner, schema.type === 'array' ? `${path}[]` : `${path}.NAME`);
  const properties = propertiesOf(schema);
  if (properties.length === 0) return [];
  const tag = properties.find(([, { const: word }]) => word !== undefined);
  const heading = tag === undefined ? `### ${path}` : `### ${path}, ${tag[0]}: ${String(tag[1].const)}`;
  const deeper = properties.flatMap(([key, value]) => tablesOf(value, `${path}.${key}`));
  const lead = schema.description === undefined ? [] : [cell(schema.description), ''];
  return [heading, '', ...lead, ...table(schema), ...deeper];
}

function table(schema: JsonSchema): string[] {
  const rows = propertiesOf(schema).map(([key, value]) => {
    const cells = [
      `\`${key}\``,
      value.description ?? '',
      typeOf(value),
      defaultOf(value, schema.required?.includes(key)),
    ];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  return ['| key | meaning | type | default |', '|---|---|---|---|', ...rows, ''];
}

function typeOf(schema: JsonSchema): string {
  const { expected } = schema;
  if (typeof expected === 'string') return expected;
  const variants = variantsOf(schema);
  if (variants.length > 0) return [...new Set(variants.map(typeOf))].join('; or ');
  if (schema.const !== undefined) return String(schema.const);
  if (schema.enum !== undefined) return `one of ${schema.enum.join(', ')}`;
  if (schema.type === 'boolean') return 'true or false';
  if (schema.type === 'number' || schema.type === 'integer') return numberType(schema);
  const inner = innerOf(schema);
  if (schema.type === 'object') return inner === undefined ? 'map' : 'map of names';
  if (schema.type === 'array') {
    return inner === undefined || propertiesOf(inner).length > 0 ? 'list of maps' : `list, each entry ${typeOf(inner)}`;
  }
  return schema.maxLength === undefined ? 'text' : `text of at most ${schema.maxLength} characters`;
}

function numberType({ type, minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  const kind = type === 'integer' ? 'whole number' : 'number';
  return `${kind}, ${String(minimum ?? exclusiveMinimum)} to ${String(maximum ?? exclusiveMaximum)}`;
}

function defaultOf(schema: JsonSchema, required: boolean | undefined): string {
  if (required === true) return 'required';
  return schema.default === undefined ? 'none' : `\`${asYaml(schema.default)}\``;
}

function asYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(asYaml).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const entries = Object.entries(value).map(([key, inner]) => `${key}: ${asYaml(inner)}`);
  return `{ ${entries.join(', ')} }`;
}

/** A table has a bar between its cells, and only there; a star or an angle would be markup. */
function cell(text: string): string {
  return text.replace(/[|*<]/g, '\\$&');
}
