import { createHash } from 'node:crypto';

import { messageOf } from '../runtime/errors';
import { instructionsLengthMax } from '../realtime/agent-schema';
import { readCalendar } from './calendar';
import type { PlanRead } from './file-read';
import { variableProblems } from './file-checks';
import { problemAt } from './plan-file';
import type { PlanFile } from './plan-file';
import { visit } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import type { PlanReader } from './plan-reader';
import { TextPlaces } from './text-places';

/** What a plan says in files of their own, by the name that the plan has for each: `file:` and a path. */
export interface PlanTexts {
  readonly instructions: ReadonlyMap<string, string>;
  /** Days since 1970-01-01. */
  readonly calendars: ReadonlyMap<string, readonly number[]>;
  /** The first digits of the SHA-256 of each file that is a tool. */
  readonly modules: ReadonlyMap<string, string>;
}

/** A path inside the dialplan folder: no way up, no hidden files, no absolute path. */
export function isTextName(path: string): boolean {
  return textName.test(path);
}

const textBytesMax = 262_144;
export const textPrefix = 'file:';
/** Letters, digits and dots, but no part that begins with a dot. */
const textName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,7}$/;

const instructionsPlaces: readonly PlanPath[] = [
  ['agents', '*', 'instructions'],
  ['agents', '*', 'idle', 'check_in'],
  ['agents', '*', 'idle', 'goodbye'],
];
const modulePlaces: readonly PlanPath[] = [['tools', '*', 'module']];
/** What Node runs without being told how. */
const moduleName = /\.(?:mjs|cjs|js)$/;
const calendarPlaces: readonly PlanPath[] = [
  ['schedules', '*', 'closed'],
  ['schedules', '*', 'closed', '*'],
];

/** Reads every file that the plan names, each once. */
export async function readPlanTexts(
  reader: PlanReader,
  files: readonly PlanFile[],
): Promise<{ texts: PlanTexts; problems: PlanProblem[] }> {
  const instructions = new Map<string, string>();
  const calendars = new Map<string, readonly number[]>();
  const problems: PlanProblem[] = [];
  for (const { file, path, name } of textNames(files, instructionsPlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:prompts/reception.md');
    const fault = typeof text === 'string' ? lengthFault(name, text.trim()) : text;
    if (typeof text === 'string' && fault === undefined) {
      instructions.set(textPrefix + name, text.trim());
      problems.push(...variablesOfFile(name, text));
    } else if (fault !== undefined) {
      problems.push(problemAt(file, path, { code: problemCodes.instructionsFile, ...fault }));
    }
  }
  for (const { file, path, name } of textNames(files, calendarPlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:holidays.ics');
    const calendar = typeof text === 'string' ? readCalendar(text) : undefined;
    if (calendar?.kind === 'calendar') {
      calendars.set(textPrefix + name, calendar.days);
    } else if (calendar?.kind === 'refused' && typeof text === 'string') {
      problems.push(calendarProblem(name, text, calendar));
    } else if (typeof text !== 'string') {
      problems.push(problemAt(file, path, { code: problemCodes.calendarFile, ...text }));
    }
  }
  const modules = new Map<string, string>();
  for (const { file, path, name } of textNames(files, modulePlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:tools/look-up.mjs');
    if (typeof text === 'string' && moduleName.test(name)) {
      modules.set(textPrefix + name, createHash('sha256').update(text).digest('hex').slice(0, 12));
    } else {
      const fault = typeof text === 'string' ? notJavaScript(name) : text;
      problems.push(problemAt(file, path, { code: problemCodes.moduleFile, ...fault }));
    }
  }
  return { texts: { instructions, calendars, modules }, problems };
}

/** Undefined when it is not UTF-8. A byte order mark is dropped. */
export function decodeText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Why there is no text. */
export function readFault(read: PlanRead): string {
  switch (read.kind) {
    case 'read':
      return 'the file is not UTF-8';
    case 'missing':
      return 'there is no such file';
    case 'outside':
      return 'the file lies outside of the dialplan folder';
    case 'not-a-file':
      return 'that is not a file';
    case 'too-large':
      return 'the file is too large';
    case 'unreadable':
      return `the file cannot be read: ${read.message}`;
  }
}

interface Fault {
  readonly message: string;
  readonly expected: string;
}

interface TextName {
  readonly file: PlanFile;
  readonly path: PlanPath;
  /** Without `file:`. */
  readonly name: string;
}

function textNames(files: readonly PlanFile[], places: readonly PlanPath[]): TextName[] {
  const names = new Map<string, TextName>();
  for (const file of files) {
    for (const place of places) {
      visit(file.document?.root, place, (value, path) => {
        if (typeof value !== 'string' || !value.startsWith(textPrefix) || names.has(value)) return;
        names.set(value, { file, path, name: value.slice(textPrefix.length) });
      });
    }
  }
  return [...names.values()];
}

async function readText(reader: PlanReader, name: string, expected: string): Promise<string | Fault> {
  if (!isTextName(name)) return { message: 'a path that leads out of the folder or has odd characters', expected };
  try {
    const read = await reader.read(name, { bytesMax: textBytesMax });
    const text = read.kind === 'read' ? decodeText(read.bytes) : undefined;
    return text ?? { message: `${name}: ${readFault(read)}`, expected };
  } catch (cause) {
    return { message: `${name}: ${messageOf(cause)}`, expected };
  }
}

function notJavaScript(name: string): Fault {
  return { message: `${name} is no JavaScript file`, expected: 'a name that ends in .mjs, .cjs or .js' };
}

function lengthFault(name: string, text: string): Fault | undefined {
  if (text.length > 0 && text.length <= instructionsLengthMax) return undefined;
  return { message: `${name}: ${text.length} characters`, expected: `1 to ${instructionsLengthMax} characters` };
}

function variablesOfFile(name: string, text: string): PlanProblem[] {
  const places = new TextPlaces(text);
  return variableProblems(text).map(({ offset, problem }) => {
    return { ...problem, severity: 'error', file: name, position: places.at(offset) };
  });
}

function calendarProblem(
  name: string,
  text: string,
  { line, message, expected }: { line: number; message: string; expected: string },
): PlanProblem {
  const offset = text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, one) => sum + one.length + 1, 0);
  const code: ProblemCode = problemCodes.calendarFile;
  const position = new TextPlaces(text).at(offset);
  return { code, severity: 'error', file: name, position, message, expected, nearest: undefined };
}
