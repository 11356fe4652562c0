import { numberTextKeys } from './yaml-tree';

// What scalars say, under the core schema of YAML 1.2. `undefined` is for whoever knows all of YAML.

/** Only what begins with one of these can be anything but text. */
const maybeNoText = /^[-+.~0-9nNtTfF]/;
const nothing = /^(?:~|[Nn]ull|NULL)$/;
const truth = /^(?:[Tt]rue|TRUE)$/;
const untruth = /^(?:[Ff]alse|FALSE)$/;
const whole = /^[-+]?[0-9]+$/;
const octal = /^0o[0-7]+$/;
const hexadecimal = /^0x[0-9a-fA-F]+$/;
const decimal = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;
const infinite = /^[-+]?\.(?:inf|Inf|INF)$/;
const noNumber = /^\.(?:nan|NaN|NAN)$/;

/** What stands without quotes; `key` is the nearest above it. */
export function plainValue(text: string, key: string): unknown {
  if (!maybeNoText.test(text)) return text;
  if (nothing.test(text)) return null;
  if (truth.test(text)) return true;
  if (untruth.test(text)) return false;
  const number = numberOf(text);
  return number === undefined || numberTextKeys.has(key) ? text : number;
}

function numberOf(text: string): number | undefined {
  if (whole.test(text)) return parseInt(text, 10);
  if (octal.test(text)) return parseInt(text.slice(2), 8);
  if (hexadecimal.test(text)) return parseInt(text.slice(2), 16);
  if (decimal.test(text)) return parseFloat(text);
  if (infinite.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return noNumber.test(text) ? NaN : undefined;
}

/** What stands between single quotes. */
export function singleQuoted(source: string): string {
  return foldLines(source).replaceAll("''", "'");
}

/** What stands between double quotes. Only escapes that JSON has, too, and no escaped line ends. */
export function doubleQuoted(source: string): string | undefined {
  if (!source.includes('\\')) return foldLines(source);
  if (/\\[ \r\n]/.test(source)) return undefined;
  try {
    return String(JSON.parse(`"${foldLines(source, '\\n')}"`));
  } catch {
    return undefined;
  }
}

/** A single line end is a space; of several the first does not count (YAML 1.2 section 6.5). */
export function foldLines(source: string, lineEnd = '\n'): string {
  if (!source.includes('\n')) return source;
  const [first = '', ...lines] = source.split(/\r?\n/);
  let folded = withoutSpaces(first, { atStart: false, atEnd: true });
  let breaks = 0;
  for (const [index, line] of lines.entries()) {
    const isLast = index === lines.length - 1;
    const text = withoutSpaces(line, { atStart: true, atEnd: !isLast });
    if (text === '' && !isLast) {
      breaks += 1;
      continue;
    }
    folded += (breaks === 0 ? ' ' : lineEnd.repeat(breaks)) + text;
    breaks = 0;
  }
  return folded;
}

/** Other white space is text. */
function withoutSpaces(line: string, { atStart, atEnd }: { atStart: boolean; atEnd: boolean }): string {
  let start = 0;
  let end = line.length;
  while (atStart && start < end && line[start] === ' ') start += 1;
  while (atEnd && end > start && line[end - 1] === ' ') end -= 1;
  return line.slice(start, end);
}

/** The lines of a block scalar without their indentation; empty lines at the end do not count. */
export function blockValue(
  lines: readonly string[],
  style: { folded: boolean; stripped: boolean },
): string | undefined {
  const end = style.stripped ? '' : '\n';
  if (!style.folded) return lines.join('\n') + end;
  // Lines that are indented further are not folded.
  if (lines.some((line) => line.startsWith(' '))) return undefined;
  let folded = '';
  let separator = '';
  for (const line of lines) {
    if (line === '') {
      folded += separator === ' ' ? '' : separator;
      separator = '\n';
    } else {
      folded += separator + line;
      separator = ' ';
    }
  }
  return folded + end;
}
