import { messageOf } from '../runtime/errors';
import { assemblePlan } from './assemble-plan';
import type { PlanLoad } from './assemble-plan';
import { parsePlanFile, problemAt, rawAgents } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import type { PlanRead, PlanReader } from './plan-reader';

const planBytesMax = 1_048_576;
const instructionsBytesMax = 262_144;
const instructionsLengthMax = 60_000;
const filesMax = 200;
const instructionsPrefix = 'file:';
/** Letters, digits and dots, but no part that begins with a dot: no way up, no hidden files, no absolute path. */
const instructionsName = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}(\/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){0,7}$/;

/** Reads every `*.yaml` of a folder in the order of the names' code points, and the instructions that agents name. */
export async function loadPlan(reader: PlanReader): Promise<PlanLoad> {
  let names: readonly string[];
  try {
    names = [...(await reader.list())].sort();
  } catch (cause) {
    const message = `the folder cannot be read: ${messageOf(cause)}`;
    return refused([folderProblem(problemCodes.folderUnreadable, message, 'a folder of dialplans')]);
  }
  const ignored = names.filter((name) => name.endsWith('.yml')).map(ignoredFile);
  const planNames = names.filter((name) => name.endsWith('.yaml') && !name.startsWith('.'));
  if (planNames.length === 0) {
    const problem = folderProblem(problemCodes.noFiles, 'the folder holds no dialplan', 'at least one file *.yaml');
    return refused([problem], ignored);
  }
  if (planNames.length > filesMax) {
    const message = `${planNames.length} dialplan files`;
    return refused([folderProblem(problemCodes.tooManyFiles, message, `at most ${filesMax}`)], ignored);
  }
  const files: PlanFile[] = [];
  for (const name of planNames) files.push(await readPlanFile(reader, name));
  const { texts, problems } = await readInstructions(reader, files);
  const load = assemblePlan(files, texts);
  const warnings = inOrder([...ignored, ...load.warnings]);
  if (load.kind === 'loaded' && problems.length === 0) return { ...load, warnings };
  return refused(inOrder([...(load.kind === 'refused' ? load.problems : []), ...problems]), warnings);
}

async function readPlanFile(reader: PlanReader, file: string): Promise<PlanFile> {
  const read = await reader.read(file, { bytesMax: planBytesMax });
  if (read.kind === 'read') {
    const text = decodeText(read.bytes);
    if (text !== undefined) return parsePlanFile(file, text);
  }
  const code = read.kind === 'too-large' ? problemCodes.fileTooLarge : problemCodes.fileUnreadable;
  const problem: PlanProblem = {
    ...folderProblem(read.kind === 'read' ? problemCodes.notText : code, readFault(read), undefined),
    file,
    expected: read.kind === 'too-large' ? `at most ${planBytesMax} bytes` : 'a text file in UTF-8',
  };
  return { file, document: undefined, entry: undefined, problems: [problem] };
}

/** The text of every file that agents name, by that name. */
async function readInstructions(
  reader: PlanReader,
  files: readonly PlanFile[],
): Promise<{ texts: Map<string, string>; problems: PlanProblem[] }> {
  const texts = new Map<string, string>();
  const problems: PlanProblem[] = [];
  for (const file of files) {
    for (const [agent, entry] of rawAgents(file)) {
      const named = (entry as { instructions?: unknown } | null)?.instructions;
      if (typeof named !== 'string' || !named.startsWith(instructionsPrefix) || texts.has(named)) continue;
      const text = await readInstructionsFile(reader, named.slice(instructionsPrefix.length));
      if (typeof text === 'string') {
        texts.set(named, text);
      } else {
        const problem = { code: problemCodes.instructionsFile, message: text.fault, expected: text.expected };
        problems.push(problemAt(file, ['agents', agent, 'instructions'], problem));
      }
    }
  }
  return { texts, problems };
}

async function readInstructionsFile(
  reader: PlanReader,
  name: string,
): Promise<string | { fault: string; expected: string }> {
  const inFolder = 'a file inside the dialplan folder, such as file:prompts/reception.md';
  if (!instructionsName.test(name)) return { fault: 'a path that instructions cannot have', expected: inFolder };
  const read = await reader.read(name, { bytesMax: instructionsBytesMax });
  const text = read.kind === 'read' ? decodeText(read.bytes)?.trim() : undefined;
  if (text === undefined) return { fault: `${name}: ${readFault(read)}`, expected: inFolder };
  if (text.length > 0 && text.length <= instructionsLengthMax) return text;
  return { fault: `${name}: ${text.length} characters`, expected: `1 to ${instructionsLengthMax} characters` };
}

function readFault(read: PlanRead): string {
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

/** Undefined when it is not UTF-8. A byte order mark is dropped. */
function decodeText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** As a person reads: file by file, from top to bottom. */
function inOrder(problems: readonly PlanProblem[]): PlanProblem[] {
  return [...problems].sort((one, other) => {
    if (one.file !== other.file) return one.file < other.file ? -1 : 1;
    const lines = lineOf(one) - lineOf(other);
    return lines === 0 ? (one.position?.column ?? 0) - (other.position?.column ?? 0) : lines;
  });
}

/** What is about the whole file comes last. */
function lineOf({ position }: PlanProblem): number {
  return position?.line ?? Number.MAX_SAFE_INTEGER;
}

function ignoredFile(file: string): PlanProblem {
  const message = 'the file is ignored: its name ends in .yml';
  return {
    ...folderProblem(problemCodes.fileIgnored, message, 'a name that ends in .yaml'),
    file,
    severity: 'warning',
  };
}

function folderProblem(code: ProblemCode, message: string, expected: string | undefined): PlanProblem {
  return { code, severity: 'error', file: '', position: undefined, message, expected, nearest: undefined };
}

function refused(problems: readonly PlanProblem[], warnings: readonly PlanProblem[] = []): PlanLoad {
  return { kind: 'refused', problems, warnings };
}
