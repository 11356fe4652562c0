/** What is wrong with a client's JSON, in the words of the API's `error` event. `param` is a path, '' for the whole. */
export interface ShapeProblem {
  code: string;
  message: string;
  param: string;
}

/** Looks at one JSON value; undefined means that it is fine. */
export type Shape = (value: unknown) => ShapeProblem | undefined;

/** For what was looked at already, such as the `type` that chose the shape. */
export const anyValue: Shape = () => undefined;

const nestingMax = 64;

/** JSON of any form, though not of any depth: what nobody looks into must still be written out again. */
export const freeForm: Shape = (value) =>
  isNestedDeeper(value, nestingMax)
    ? problem('invalid_value', `nested more than ${nestingMax} levels deep`)
    : undefined;

export const aBoolean: Shape = (value) => (typeof value === 'boolean' ? undefined : wrongType('a boolean', value));

export function aString({ atMost = Infinity }: { atMost?: number } = {}): Shape {
  return (value) => {
    if (typeof value !== 'string') return wrongType('a string', value);
    if (value.length <= atMost) return undefined;
    return problem('string_above_max_length', `expected at most ${atMost} characters, got ${value.length}`);
  };
}

export function aPattern(pattern: RegExp, expected: string): Shape {
  return (value) => {
    if (typeof value !== 'string') return wrongType(expected, value);
    return pattern.test(value) ? undefined : problem('invalid_value', `expected ${expected}`);
  };
}

export function anInteger({ atLeast, atMost }: { atLeast: number; atMost: number }): Shape {
  return (value) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return wrongType('an integer', value);
    return outOfRange('integer', value, atLeast, atMost);
  };
}

export function aNumber({ atLeast, atMost }: { atLeast: number; atMost: number }): Shape {
  return (value) => {
    if (typeof value !== 'number') return wrongType('a number', value);
    return outOfRange('decimal', value, atLeast, atMost);
  };
}

export function oneOf(values: readonly string[]): Shape {
  return (value) => {
    if (typeof value === 'string' && values.includes(value)) return undefined;
    const listed = values.map((each) => `'${each}'`).join(', ');
    return problem('invalid_value', `Invalid value: ${shown(value)}. Supported values are: ${listed}.`);
  };
}

export function nullOr(shape: Shape): Shape {
  return (value) => (value === null ? undefined : shape(value));
}

/** The first shape that `when` picks; `expected` is said when none fits. */
export function either(
  choices: readonly { when: (value: unknown) => boolean; shape: Shape }[],
  expected: string,
): Shape {
  return (value) => {
    const choice = choices.find(({ when }) => when(value));
    return choice === undefined
      ? problem('invalid_value', `expected ${expected}, got ${shown(value)}`)
      : choice.shape(value);
  };
}

export function anArray(shape: Shape, { atMost }: { atMost: number }): Shape {
  return (value) => {
    if (!Array.isArray(value)) return wrongType('an array', value);
    if (value.length > atMost) {
      return problem('array_above_max_length', `expected at most ${atMost} elements, got ${value.length}`);
    }
    for (const [index, element] of value.entries()) {
      const found = shape(element);
      if (found !== undefined) return within(`[${index}]`, found);
    }
    return undefined;
  };
}

/** An object of known keys. Others are refused; of the known ones only `required` must be there. */
export function anObject(keys: Record<string, Shape>, { required = [] }: { required?: readonly string[] } = {}): Shape {
  const shapes = new Map(Object.entries(keys));
  return (value) => {
    if (!isObject(value)) return wrongType('an object', value);
    for (const key of required) {
      if (value[key] === undefined)
        return problem('missing_required_parameter', `Missing required parameter: '${key}'.`, key);
    }
    for (const [key, member] of Object.entries(value)) {
      const shape = shapes.get(key);
      if (shape === undefined) return problem('unknown_parameter', `Unknown parameter: '${key}'.`, key);
      const found = shape(member);
      if (found !== undefined) return within(key, found);
    }
    return undefined;
  };
}

/** An object whose `type` chooses among `variants`. */
export function aVariant(variants: Record<string, Shape>): Shape {
  const shapes = new Map(Object.entries(variants));
  const known = oneOf([...shapes.keys()]);
  return (value) => {
    if (!isObject(value)) return wrongType('an object', value);
    if (value.type === undefined)
      return problem('missing_required_parameter', "Missing required parameter: 'type'.", 'type');
    const shape = typeof value.type === 'string' ? shapes.get(value.type) : undefined;
    if (shape !== undefined) return shape(value);
    const found = known(value.type);
    return found === undefined ? undefined : within('type', found);
  };
}

/** An object of any keys, as `metadata` is. */
export function aRecord(
  shape: Shape,
  { entriesAtMost, keyAtMost }: { entriesAtMost: number; keyAtMost: number },
): Shape {
  return (value) => {
    if (!isObject(value)) return wrongType('an object', value);
    const entries = Object.entries(value);
    if (entries.length > entriesAtMost) {
      return problem('object_above_max_properties', `expected at most ${entriesAtMost} entries, got ${entries.length}`);
    }
    for (const [key, member] of entries) {
      if (key.length > keyAtMost)
        return problem('string_above_max_length', `expected keys of at most ${keyAtMost} characters`);
      const found = shape(member);
      if (found !== undefined) return within(key, found);
    }
    return undefined;
  };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((member) => isNestedDeeper(member, levels - 1));
}

function outOfRange(
  kind: 'integer' | 'decimal',
  value: number,
  atLeast: number,
  atMost: number,
): ShapeProblem | undefined {
  if (value < atLeast) {
    return problem(`${kind}_below_min_value`, `Expected a value >= ${atLeast}, but got ${value} instead.`);
  }
  if (value > atMost) {
    return problem(`${kind}_above_max_value`, `Expected a value <= ${atMost}, but got ${value} instead.`);
  }
  return undefined;
}

function wrongType(expected: string, value: unknown): ShapeProblem {
  return problem('invalid_type', `Invalid type: expected ${expected}, but got ${shown(value)} instead.`);
}

function problem(code: string, message: string, param = ''): ShapeProblem {
  return { code, message, param };
}

function within(key: string, found: ShapeProblem): ShapeProblem {
  const joint = found.param === '' || found.param.startsWith('[') ? '' : '.';
  return { ...found, param: `${key}${joint}${found.param}` };
}

/** A stranger's value in a message: short, and objects only by kind. */
function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, 60)}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'an array' : typeof value;
}
