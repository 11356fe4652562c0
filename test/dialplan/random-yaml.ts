import type { Random } from '../../src/runtime/random';

// Texts such as people write dialplans, and what becomes of them under hasty hands.

const words = [
  'answer',
  'to',
  'from',
  'version',
  'reception',
  'x',
  'Grüße',
  'a-b',
  '12',
  '007',
  '+33123',
  'no',
  'true',
];
const plainTexts = [
  ...words,
  '~',
  'Null',
  '-5',
  '-0',
  '0x1F',
  '0o17',
  '1e3',
  '.5',
  '5.',
  '+.inf',
  '.NaN',
  '12:30',
  'http://a.b/c#d',
  'it is { not } a [list], really',
  'a  b',
  "don't",
  '-x',
  '1.2.3',
  'a\u00a0',
];
const quotedTexts = [
  '',
  'x',
  'a: b # c',
  '  spaces ',
  '{{caller}}',
  "it''s",
  '\\"',
  '\\n\\u00e9\\\\',
  '\\x41',
  'é\u2028',
];
const ends = ['\n', '\n', '\n', '\n', ' \n', ' # said\n', '\n\n', '\n# a comment\n', '\n      # far in\n', '\r\n'];

/** A map in block style, with everything that may stand in one. */
export function randomYaml(random: Random): string {
  return new Writer(random).map(0, 0);
}

/** A few characters lost, doubled or put in. */
export function mutated(text: string, random: Random): string {
  const signs = [
    '{',
    '}',
    '[',
    ']',
    ':',
    ': ',
    ',',
    '"',
    "'",
    '\n',
    '  ',
    ' ',
    '- ',
    '#',
    ' #',
    '|',
    '>',
    '*',
    '&a ',
    '!x ',
  ];
  const more = [
    '\t',
    '\r',
    '---\n',
    '...\n',
    '?',
    '? ',
    '\\',
    '%',
    '@',
    '=',
    '\ufeff',
    '\u0085',
    '|-\n',
    'é',
    '__proto__',
  ];
  let changed = text;
  for (let change = 0; change <= random.fraction() * 2; change += 1) {
    const at = below(random, changed.length + 1);
    const until = random.fraction() < 0.5 ? at : at + below(random, 6);
    const sign = random.fraction() < 0.2 ? '' : oneOf(random, random.fraction() < 0.7 ? signs : more);
    changed = changed.slice(0, at) + sign + changed.slice(until);
  }
  return changed;
}

function below(random: Random, limit: number): number {
  return Math.floor(random.fraction() * limit);
}

function oneOf(random: Random, all: readonly string[]): string {
  return all[below(random, all.length)] ?? '';
}

class Writer {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  map(column: number, depth: number): string {
    const count = 1 + below(this.#random, 4);
    const lines = Array.from({ length: count }, (_, index) => {
      return `${index === 0 ? '' : ' '.repeat(column)}${this.#key(index)}:${this.#entry(column, depth, true)}`;
    });
    return lines.join('');
  }

  #key(index: number): string {
    const key = `${oneOf(this.#random, words)}${index}`;
    return oneOf(this.#random, [key, key, key, key, `"${key}"`, `'${key}'`, `${key} b`, oneOf(this.#random, words)]);
  }

  #list(column: number, depth: number): string {
    const count = 1 + below(this.#random, 3);
    const items = Array.from({ length: count }, (_, index) => {
      const spaces = 1 + below(this.#random, 2);
      const inner = column + 1 + spaces;
      const start = `${index === 0 ? '' : ' '.repeat(column)}-`;
      if (depth < 4 && this.#chance(0.4)) return start + ' '.repeat(spaces) + this.map(inner, depth + 1);
      return start + this.#entry(column, depth, false);
    });
    return items.join('');
  }

  #entry(column: number, depth: number, isInMap: boolean): string {
    if (depth < 4 && this.#chance(0.35)) {
      const isList = this.#chance(0.5);
      const inner = isList && isInMap && this.#chance(0.4) ? column : column + 1 + below(this.#random, 3);
      const block = isList ? this.#list(inner, depth + 1) : this.map(inner, depth + 1);
      return this.#end() + ' '.repeat(inner) + block;
    }
    if (this.#chance(0.15)) return ` ${this.#blockScalar(column)}`;
    const value = this.#chance(0.3) ? this.#flow(column, 0) : this.#scalar(column, plainTexts);
    return oneOf(this.#random, [' ', ' ', ' ', '  ']) + value + this.#end();
  }

  #scalar(column: number, texts: readonly string[]): string {
    const text = oneOf(this.#random, quotedTexts);
    const lines = this.#chance(0.1) ? this.#lines(column, 1) : '';
    switch (below(this.#random, 4)) {
      case 0:
        return `"${text}${lines}"`;
      case 1:
        return `'${text.replaceAll('"', '')}${lines}'`;
      default:
        return oneOf(this.#random, texts) + lines.trimEnd();
    }
  }

  #flow(column: number, depth: number): string {
    const gap = (): string => {
      const line = `\n${' '.repeat(column + below(this.#random, 4))}`;
      return oneOf(this.#random, ['', '', '', ' ', ' ', '  ', line, ` # said${line}`]);
    };
    const texts = plainTexts.filter((text) => !/[{}[\],]/.test(text));
    const value = (): string =>
      depth < 3 && this.#chance(0.25) ? this.#flow(column, depth + 1) : this.#scalar(column, texts);
    const count = below(this.#random, 4);
    const isMap = this.#chance(0.5);
    const items = Array.from({ length: count }, (_, index) => {
      return gap() + (isMap ? `${this.#key(index)}:${oneOf(this.#random, [' ', ' ', gap()])}` : '') + value() + gap();
    });
    const inside = items.join(',') + (count > 0 && this.#chance(0.1) ? `,${gap()}` : '');
    return isMap ? `{${inside}}` : `[${inside}]`;
  }

  #blockScalar(column: number): string {
    const header = oneOf(this.#random, ['|', '|', '>', '|-', '>-', '| # said', '|+', '|2']);
    return `${header}${this.#lines(column, 1 + below(this.#random, 3))}${this.#end()}`;
  }

  #lines(column: number, count: number): string {
    const indent = column + 1 + below(this.#random, 3);
    return Array.from({ length: count }, () => {
      const line = ' '.repeat(indent) + oneOf(this.#random, ['', '', '', ' ']) + oneOf(this.#random, plainTexts);
      return oneOf(this.#random, ['\n', '\n', '\n\n', '\n \n', '\r\n', ' \n']) + line;
    }).join('');
  }

  #end(): string {
    return oneOf(this.#random, ends);
  }

  #chance(probability: number): boolean {
    return this.#random.fraction() < probability;
  }
}
