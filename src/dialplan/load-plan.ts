import { messageOf } from '../runtime/errors';
import { assemblePlan } from './assemble-plan';
import type { PlanLoad } from './assemble-plan';
import { decodeText, readFault } from './named-files';
import { parsePlanFile } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import type { PlanReader } from './plan-reader';
import { readPlanSecrets } from './plan-secrets';
import { readPlanTexts } from './plan-texts';

const planBytesMax = 1_048_576;
const filesMax = 200;

/** Reads every `*.yaml` of a folder in the order of the names' code points, and the files and secrets that these name. */
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
  const { texts, problems: textProblems } = await readPlanTexts(reader, files);
  const { secrets, problems: secretProblems } = await readPlanSecrets(reader, files);
  const load = assemblePlan(files, { texts, secrets, problems: [...textProblems, ...secretProblems] });
  const warnings = inOrder([...ignored, ...load.warnings]);
  if (load.kind === 'loaded') return { ...load, warnings };
  // What else is odd can wait until the plan is a plan.
  return refused(inOrder(load.problems), ignored);
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
