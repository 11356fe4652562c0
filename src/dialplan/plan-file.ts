import { fileChecks } from './file-checks';
import { visit } from './plan-path';
import type { PlanPath } from './plan-path';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import { namedSections, planFileSchema } from './plan-schema';
import type { NamedSection, PlanFileEntry } from './plan-schema';
import { schemaProblems } from './schema-problems';
import { readYaml } from './yaml-document';
import type { YamlDocument } from './yaml-document';

/** One file, as far as it could be read. What the files say to each other is checked by `assemblePlan`. */
export interface PlanFile {
  readonly file: string;
  /** Undefined when the text is not YAML. */
  readonly document: YamlDocument | undefined;
  /** What it says; undefined when the shape is wrong. */
  readonly entry: PlanFileEntry | undefined;
  readonly problems: readonly PlanProblem[];
}

const entriesPerSectionMax = 1_000;
const routesPerFileMax = 10_000;
/** Every call tries each of them, and each takes a millisecond or two to compile. */
const expressionsPerFileMax = 500;
const patternPlaces: readonly PlanPath[] = ['to', 'from'].flatMap((key) => [
  ['routes', '*', 'when', key],
  ['routes', '*', 'when', key, '*'],
]);
const headerPatternPlaces: readonly PlanPath[] = [
  ['routes', '*', 'when', 'header', '*'],
  ['routes', '*', 'when', 'header', '*', '*'],
];

/** A file of nothing but comments says nothing, which is well. */
export function parsePlanFile(file: string, text: string): PlanFile {
  const { document, problems } = readYaml(file, text);
  if (document === undefined) return { file, document, entry: undefined, problems };
  const tooLarge = sizeProblem({ file, document, entry: undefined, problems });
  if (tooLarge !== undefined) return { file, document: undefined, entry: undefined, problems: [...problems, tooLarge] };
  const parsed = planFileSchema.safeParse(document.root ?? {});
  if (!parsed.success) {
    const found = schemaProblems({ file, document, schema: planFileSchema, issues: parsed.error.issues });
    // What is not YAML there needs no second opinion.
    const places = new Set(problems.map((problem) => placeOf(problem)));
    problems.push(...found.filter((problem) => !places.has(placeOf(problem))));
  }
  if (problems.length < problemsPerFileMax) problems.push(...fileChecks(file, document));
  const told = problems.slice(0, problemsPerFileMax);
  if (problems.length >= problemsPerFileMax) told.push(tooManyProblems(file));
  return { file, document, entry: parsed.success ? parsed.data : undefined, problems: told };
}

/** The entries of a section as they were written, valid or not, so that every problem can be told at once. */
export function rawEntries(file: PlanFile, section: NamedSection): [string, unknown][] {
  const entries = sectionOf(file.document, section);
  return typeof entries === 'object' && entries !== null && !Array.isArray(entries) ? Object.entries(entries) : [];
}

/** How many routes a file has, valid or not. */
export function rawRouteCount(file: PlanFile): number {
  const routes = sectionOf(file.document, 'routes');
  return Array.isArray(routes) ? routes.length : 0;
}

export function problemAt(
  file: Pick<PlanFile, 'file' | 'document'>,
  path: PlanPath,
  problem: {
    code: ProblemCode;
    message: string;
    expected?: string;
    nearest?: string | undefined;
    severity?: 'warning';
  },
  at: 'key' | 'value' = 'value',
): PlanProblem {
  return {
    code: problem.code,
    severity: problem.severity ?? 'error',
    file: file.file,
    position: file.document?.locate(path, at),
    message: problem.message,
    expected: problem.expected,
    nearest: problem.nearest,
  };
}

function sizeProblem(file: PlanFile): PlanProblem | undefined {
  const code = problemCodes.tooMuch;
  const expected = `at most ${entriesPerSectionMax} ${namedSections.join(', ')} each and ${routesPerFileMax} routes in one file`;
  const routes = rawRouteCount(file);
  if (routes > routesPerFileMax) {
    return problemAt(file, ['routes'], { code, message: `${routes} routes`, expected }, 'key');
  }
  let expressions = 0;
  for (const place of [...patternPlaces, ...headerPatternPlaces]) {
    visit(file.document?.root, place, (value) => {
      if (typeof value === 'string' && value.startsWith('/')) expressions += 1;
    });
  }
  if (expressions > expressionsPerFileMax) {
    const atMost = `at most ${expressionsPerFileMax} in one file; numbers, prefixes* and ranges cost nothing`;
    return problemAt(
      file,
      ['routes'],
      { code, message: `${expressions} regular expressions`, expected: atMost },
      'key',
    );
  }
  for (const section of namedSections) {
    const { length } = rawEntries(file, section);
    if (length <= entriesPerSectionMax) continue;
    return problemAt(file, [section], { code, message: `${length} ${section}`, expected }, 'key');
  }
  return undefined;
}

function tooManyProblems(file: string): PlanProblem {
  const message = `the rest is not told: more than ${problemsPerFileMax} problems`;
  const nowhere = { position: undefined, expected: undefined, nearest: undefined };
  return { code: problemCodes.tooManyProblems, severity: 'error', file, message, ...nowhere };
}

function placeOf({ position }: PlanProblem): string {
  return `${position?.line}:${position?.column}`;
}

function sectionOf(document: YamlDocument | undefined, name: string): unknown {
  const root = document?.root;
  return typeof root === 'object' && root !== null ? (root as Record<string, unknown>)[name] : undefined;
}
