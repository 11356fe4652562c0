import { createHash } from 'node:crypto';

import { messageOf } from '../runtime/errors';
import { instructionsLengthMax } from '../realtime/agent-schema';
import { readCalendar } from './calendar';
import { variableProblems } from './file-checks';
import { decodeText, filePrefix, isNameWithin, namedFiles, nameFault, readFault } from './named-files';
import type { FileFault } from './named-files';
import { problemAt } from './plan-file';
import type { PlanFile } from './plan-file';
import type { PlanPath } from './plan-path';
import { problemCodes } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import type { PlanReader } from './plan-reader';
import { readPlanRecordings } from './plan-recordings';
import type { PlanRecording } from './plan-recordings';
import { TextPlaces } from './text-places';

/** What a plan says in files of their own, by the name that the plan has for each: `file:` and a path. */
export interface PlanTexts {
  readonly instructions: ReadonlyMap<string, string>;
  /** Days since 1970-01-01. */
  readonly calendars: ReadonlyMap<string, readonly number[]>;
  /** The first digits of the SHA-256 of each file that is a tool. */
  readonly modules: ReadonlyMap<string, string>;
  readonly recordings: ReadonlyMap<string, PlanRecording>;
}

const textBytesMax = 262_144;

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
  for (const { file, path, name } of namedFiles(files, instructionsPlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:prompts/reception.md');
    const fault = typeof text === 'string' ? lengthFault(name, text.trim()) : text;
    if (typeof text === 'string' && fault === undefined) {
      instructions.set(filePrefix + name, text.trim());
      problems.push(...variablesOfFile(name, text));
    } else if (fault !== undefined) {
      problems.push(problemAt(file, path, { code: problemCodes.instructionsFile, ...fault }));
    }
  }
  for (const { file, path, name } of namedFiles(files, calendarPlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:holidays.ics');
    const calendar = typeof text === 'string' ? readCalendar(text) : undefined;
    if (calendar?.kind === 'calendar') {
      calendars.set(filePrefix + name, calendar.days);
    } else if (calendar?.kind === 'refused' && typeof text === 'string') {
      problems.push(calendarProblem(name, text, calendar));
    } else if (typeof text !== 'string') {
      problems.push(problemAt(file, path, { code: problemCodes.calendarFile, ...text }));
    }
  }
  const modules = new Map<string, string>();
  for (const { file, path, name } of namedFiles(files, modulePlaces)) {
    const text = await readText(reader, name, 'a file inside the dialplan folder, such as file:tools/look-up.mjs');
    if (typeof text === 'string' && moduleName.test(name)) {
      modules.set(filePrefix + name, createHash('sha256').update(text).digest('hex').slice(0, 12));
    } else {
      const fault = typeof text === 'string' ? notJavaScript(name) : text;
      problems.push(problemAt(file, path, { code: problemCodes.moduleFile, ...fault }));
    }
  }
  const { recordings, problems: recordingProblems } = await readPlanRecordings(reader, files);
  return { texts: { instructions, calendars, modules, recordings }, problems: [...problems, ...recordingProblems] };
}

async function readText(reader: PlanReader, name: string, expected: string): Promise<string | FileFault> {
  if (!isNameWithin(name)) return { message: nameFault, expected };
  try {
    const read = await reader.read(name, { bytesMax: textBytesMax });
    const text = read.kind === 'read' ? decodeText(read.bytes) : undefined;
    return text ?? { message: `${name}: ${readFault(read)}`, expected };
  } catch (cause) {
    return { message: `${name}: ${messageOf(cause)}`, expected };
  }
}

function notJavaScript(name: string): FileFault {
  return { message: `${name} is no JavaScript file`, expected: 'a name that ends in .mjs, .cjs or .js' };
}

function lengthFault(name: string, text: string): FileFault | undefined {
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
