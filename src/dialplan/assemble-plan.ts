import { buildPlan } from './build-plan';
import type { Plan } from './plan';
import { planParts } from './plan-parts';
import type { PlanParts } from './plan-parts';
import { problemAt, rawRouteCount } from './plan-file';
import type { PlanFile } from './plan-file';
import { problemCodes } from './plan-problem';
import type { PlanProblem } from './plan-problem';
import type { PlanSecrets } from './secret-reference';
import type { PlanTexts } from './plan-texts';
import { greetingWarnings, handoffWarnings } from './handoff-checks';
import { referenceProblems } from './references';
import { neverOpens } from './schedule';
import { shadowedRoutes } from './shadowed-routes';
import { unusedWarnings } from './unused';

/** A plan, or all that is wrong; `warnings` do not stop it. */
export type PlanLoad =
  | { kind: 'loaded'; plan: Plan; parts: PlanParts; warnings: readonly PlanProblem[] }
  | { kind: 'refused'; problems: readonly PlanProblem[]; warnings: readonly PlanProblem[] };

/** What the files of a plan name outside of themselves, as far as it was found, and what was not. */
export interface PlanMaterial {
  readonly texts: PlanTexts;
  readonly secrets: PlanSecrets;
  readonly problems: readonly PlanProblem[];
}

/**
 * Makes one plan of files that stand in the order of their names: names are one set, routes follow one another. Warnings
 * are about a plan that works, so a refused one has none.
 */
export function assemblePlan(files: readonly PlanFile[], { texts, secrets, problems: found }: PlanMaterial): PlanLoad {
  const problems = [...files.flatMap((file) => file.problems), ...referenceProblems(files)];
  const isReadable = files.every((file) => file.document !== undefined);
  if (isReadable && problems.length === 0 && files.every((file) => rawRouteCount(file) === 0)) {
    problems.push({ ...wholePlan, message: 'the plan has no routes: no call would be answered' });
  }
  const entries = files.map((file) => file.entry).filter((entry) => entry !== undefined);
  problems.push(...found);
  if (problems.length > 0 || entries.length < files.length) return { kind: 'refused', problems, warnings: [] };
  const parts = planParts({ files: files.map((file) => file.file), entries, texts, secrets });
  const plan = buildPlan(parts);
  const warnings = [
    ...shadowWarnings(files, plan),
    ...scheduleWarnings(files, plan),
    ...handoffWarnings(files, plan),
    ...greetingWarnings(files, plan),
    ...unusedWarnings(files),
  ];
  return { kind: 'loaded', plan, parts, warnings };
}

const wholePlan = {
  code: problemCodes.noRoutes,
  severity: 'error',
  file: '',
  position: undefined,
  expected: 'at least one route in one of the files',
  nearest: undefined,
} as const;

function shadowWarnings(files: readonly PlanFile[], plan: Plan): PlanProblem[] {
  const places = files.flatMap((file) => Array.from({ length: rawRouteCount(file) }, (_, index) => ({ file, index })));
  return shadowedRoutes(plan).flatMap(({ order, message }) => {
    const place = places[order];
    const problem = { code: problemCodes.routeUnreached, message, severity: 'warning' } as const;
    return place === undefined ? [] : [problemAt(place.file, ['routes', place.index], problem)];
  });
}

function scheduleWarnings(files: readonly PlanFile[], plan: Plan): PlanProblem[] {
  return [...plan.schedules.values()].filter(neverOpens).flatMap(({ name }) => {
    const file = files.find((one) => Object.hasOwn(one.entry?.schedules ?? {}, name));
    const message = `schedule "${name}" never opens`;
    const problem = {
      code: problemCodes.scheduleNeverOpens,
      message,
      severity: 'warning',
      expected: 'hours in "open", or an override that opens a day',
    } as const;
    return file === undefined ? [] : [problemAt(file, ['schedules', name], problem, 'key')];
  });
}
