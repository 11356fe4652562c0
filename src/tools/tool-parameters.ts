import { isObject } from './json-value';
import type { ToolArguments } from './tool-run';

/** One value that the model gives to a tool. */
export interface ToolParameter {
  readonly type: 'string' | 'number' | 'integer' | 'boolean';
  readonly description?: string | undefined;
  /** The only values that are allowed. */
  readonly enum?: readonly string[] | undefined;
  /** True unless it says otherwise. */
  readonly required?: boolean | undefined;
}

export type ToolParameters = Readonly<Record<string, ToolParameter>>;

/** The model's arguments are text made by a machine: bounded before they are parsed. */
const argumentsCharactersMax = 32_000;
const textCharactersMax = 4_000;
const namesShownMax = 10;

/** The JSON Schema by which the model is told of its parameters. */
export function parametersSchema(parameters: ToolParameters): Record<string, unknown> {
  const entries = Object.entries(parameters);
  return {
    type: 'object',
    properties: Object.fromEntries(
      entries.map(([name, { type, description, enum: values }]) => [
        name,
        {
          type,
          ...(description === undefined ? {} : { description }),
          ...(values === undefined ? {} : { enum: values.flatMap((value) => enumValue(value, type) ?? []) }),
        },
      ]),
    ),
    required: entries.filter(([, { required }]) => required !== false).map(([name]) => name),
    additionalProperties: false,
  };
}

/** A value of `enum`, which is a text in the plan, as the model must write it; undefined when the type has no such value. */
export function enumValue(text: string, type: ToolParameter['type']): string | number | boolean | undefined {
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  const value = text.trim() === '' ? Number.NaN : Number(text);
  return (type === 'integer' ? Number.isSafeInteger(value) : Number.isFinite(value)) ? value : undefined;
}

/** The object that the model wrote; undefined when it is none. */
export function parseArguments(text: string): ToolArguments | undefined {
  if (text.length > argumentsCharactersMax) return undefined;
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The first thing that is wrong with arguments, as a sentence for the model; undefined when they fit. */
export function argumentsFault(given: ToolArguments, parameters: ToolParameters): string | undefined {
  const odd = Object.keys(given).find((name) => !Object.hasOwn(parameters, name));
  if (odd !== undefined) {
    const names = Object.keys(parameters).slice(0, namesShownMax).join(', ');
    return `There is no argument ${JSON.stringify(odd.slice(0, 64))}${names === '' ? '' : `, only ${names}`}.`;
  }
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    if (value === undefined || value === null) {
      if (parameter.required !== false) return `The argument ${name} is missing.`;
      continue;
    }
    const fault = valueFault(value, parameter);
    if (fault !== undefined) return `The argument ${name} must be ${fault}.`;
  }
  return undefined;
}

/** What the value must be and is not. */
function valueFault(value: unknown, { type, enum: values }: ToolParameter): string | undefined {
  switch (type) {
    case 'string':
      if (typeof value !== 'string') return 'a text';
      if (value.length > textCharactersMax) return `a text of at most ${textCharactersMax} characters`;
      break;
    case 'number':
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'a number';
      break;
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) return 'a whole number';
      break;
    case 'boolean':
      if (typeof value !== 'boolean') return 'true or false';
  }
  if (values === undefined || values.some((one) => enumValue(one, type) === value)) return undefined;
  return `one of ${values.slice(0, namesShownMax).join(', ')}`;
}
