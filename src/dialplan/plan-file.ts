import { nearestWord } from '../runtime/nearest-word';
import { problemCodes, problemsPerFileMax } from './plan-problem';
import type { PlanProblem, ProblemCode } from './plan-problem';
import { planFileSchema } from './plan-schema';
import type { PlanFileEntry } from './plan-schema';
import { schemaProblems } from './schema-problems';
import { readYaml } from './yaml-document';
import type { PlanPath, YamlDocument } from './yaml-document';

/** One file, as far as it could be read. What the files say to each other is checked by `assemblePlan`. */
export interface PlanFile {
  readonly file: string;
  /** Undefined when the text is not YAML. */
  readonly document: YamlDocument | undefined;
  /** What it says; undefined when the shape is wrong. */
  readonly entry: PlanFileEntry | undefined;
  readonly problems: readonly PlanProblem[];
}

const agentsPerFileMax = 1_000;
const routesPerFileMax = 5_000;

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
    const offsets = new Set(problems.map((problem) => placeOf(problem)));
    problems.push(...found.filter((problem) => !offsets.has(placeOf(problem))));
  }
  if (problems.length < problemsPerFileMax) problems.push(...routeProblems(file, document));
  const told = problems.slice(0, problemsPerFileMax);
  if (problems.length >= problemsPerFileMax) told.push(tooManyProblems(file));
  return { file, document, entry: parsed.success ? parsed.data : undefined, problems: told };
}

function sizeProblem(file: PlanFile): PlanProblem | undefined {
  const agents = rawAgents(file).length;
  const routes = rawRoutes(file).length;
  const expected = `at most ${agentsPerFileMax} agents and ${routesPerFileMax} routes in one file`;
  const code = problemCodes.tooMuch;
  if (agents > agentsPerFileMax)
    return problemAt(file, ['agents'], { code, message: `${agents} agents`, expected }, 'key');
  if (routes > routesPerFileMax)
    return problemAt(file, ['routes'], { code, message: `${routes} routes`, expected }, 'key');
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

/** The entries of a section as they were written, valid or not, so that every problem can be told at once. */
export function rawAgents(file: PlanFile): [string, unknown][] {
  const agents = section(file.document, 'agents');
  return typeof agents === 'object' && agents !== null && !Array.isArray(agents) ? Object.entries(agents) : [];
}

export function rawRoutes(file: PlanFile): Record<string, unknown>[] {
  return routesOf(file.document);
}

export function problemAt(
  file: PlanFile,
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

/** What one key of a route means beside another. */
function routeProblems(file: string, document: YamlDocument): PlanProblem[] {
  const here: PlanFile = { file, document, entry: undefined, problems: [] };
  return routesOf(document).flatMap((route, index) => {
    const path = ['routes', index];
    const answers = 'answer' in route;
    const rejects = 'reject' in route;
    const misspelt = Object.keys(route).some((key) => nearestWord(key, ['answer', 'reject']) !== undefined);
    if (!answers && !rejects && misspelt) return [];
    if (answers === rejects) {
      const message = answers ? 'a route with both answer and reject' : 'a route with neither answer nor reject';
      return [
        problemAt(here, path, { code: problemCodes.answerOrReject, message, expected: 'exactly one of the two' }),
      ];
    }
    if (answers) return [];
    return ['limits', 'unavailable']
      .filter((key) => key in route)
      .map((key) => {
        const message = `"${key}" has no effect on a route that rejects`;
        return problemAt(
          here,
          [...path, key],
          { code: problemCodes.noEffect, message, expected: 'to be left out' },
          'key',
        );
      });
  });
}

function routesOf(document: YamlDocument | undefined): Record<string, unknown>[] {
  const routes = section(document, 'routes');
  if (!Array.isArray(routes)) return [];
  // An entry that is no map keeps its index and has a problem of its own.
  return routes.map((route: unknown) =>
    typeof route === 'object' && route !== null && !Array.isArray(route)
      ? (route as Record<string, unknown>)
      : notARoute,
  );
}

/** Stands for an entry that the schema has already refused: nothing more is to be said about it. */
const notARoute: Readonly<Record<string, unknown>> = Object.freeze({ answer: undefined });

function section(document: YamlDocument | undefined, name: string): unknown {
  const root = document?.root;
  return typeof root === 'object' && root !== null ? (root as Record<string, unknown>)[name] : undefined;
}
