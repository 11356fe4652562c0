import type { IncomingMessage } from 'node:http';

import type { KeptPlan } from '../dialplan/kept-plans';
import type { PlanOutcome } from '../dialplan/plan-store';
import { isoTime } from '../runtime/iso-time';
import { answerApiRequest } from './api-request';
import { jsonAnswer } from './http-answer';
import type { Answer } from './http-answer';
import type { PlanControl, PlanView } from './plan-control';

/** One thing that can be asked of the dialplan. */
interface PlanOperation {
  readonly method: 'GET' | 'POST';
  readonly answer: (plans: PlanControl, body: Readonly<Record<string, unknown>>) => Promise<Answer>;
}

/** By path. */
export const planOperations: ReadonlyMap<string, PlanOperation> = new Map<string, PlanOperation>([
  ['/dialplan', { method: 'GET', answer: (plans) => Promise.resolve(jsonAnswer(200, viewOf(plans.view()))) }],
  ['/dialplans', { method: 'GET', answer: keptPlans }],
  [
    '/dialplan/reload',
    { method: 'POST', answer: async (plans) => outcomeAnswer(await plans.reload('request'), plans) },
  ],
  ['/dialplan/restore', { method: 'POST', answer: restore }],
]);

/** Problems and warnings beyond these are counted. */
const toldMax = 200;

export function answerPlanRequest(
  { method, answer }: PlanOperation,
  request: IncomingMessage,
  { plans, token }: { plans: PlanControl; token: string | undefined },
): Promise<Answer> {
  return answerApiRequest(request, { method, token, answer: (body) => answer(plans, body) });
}

async function keptPlans(plans: PlanControl): Promise<Answer> {
  const inForce = plans.view().inForce?.plan.hash ?? null;
  const kept = await plans.kept();
  return jsonAnswer(200, { inForce, plans: kept.map((plan) => keptView(plan, inForce)) });
}

function keptView({ hash, lastInForce, files }: KeptPlan, inForce: string | null): object {
  return { hash, inForce: hash === inForce, lastInForce, files };
}

async function restore(plans: PlanControl, { hash }: Readonly<Record<string, unknown>>): Promise<Answer> {
  if (typeof hash !== 'string') return jsonAnswer(400, { error: 'the body must be {"hash": "..."}' });
  const outcome = await plans.restore(hash);
  if (outcome.kind !== 'unknown') return outcomeAnswer(outcome, plans);
  const known = (await plans.kept()).map((plan) => plan.hash);
  return jsonAnswer(404, { outcome: 'unknown', error: 'no plan of that hash is kept', known });
}

function outcomeAnswer(outcome: PlanOutcome, plans: PlanControl): Answer {
  const { folder, inForce } = plans.view();
  const common = { folder, hash: inForce?.plan.hash ?? null };
  switch (outcome.kind) {
    case 'unchanged':
      return jsonAnswer(200, { outcome: 'unchanged', ...common });
    case 'loaded': {
      const { before } = outcome;
      const { plan, warnings, origin } = outcome.inForce;
      return jsonAnswer(200, {
        outcome: 'loaded',
        ...common,
        hash: plan.hash,
        before: before?.hash ?? null,
        origin,
        routes: plan.routes.length,
        agents: plan.agents.size,
        warnings: warnings.slice(0, toldMax),
      });
    }
    case 'refused': {
      const { problems, warnings } = outcome;
      const told = { problems: problems.slice(0, toldMax), problemCount: problems.length };
      return jsonAnswer(422, { outcome: 'refused', ...common, ...told, warnings: warnings.slice(0, toldMax) });
    }
  }
}

function viewOf({ folder, inForce, refusal: refused, watching }: PlanView): object {
  return {
    folder,
    watching,
    hash: inForce?.plan.hash ?? null,
    files: inForce?.plan.files ?? [],
    routes: inForce?.plan.routes.length ?? 0,
    agents: inForce === undefined ? [] : [...inForce.plan.agents.keys()],
    /** `kept`: the folder may say something else. */
    origin: inForce?.origin ?? null,
    loadedAt: inForce === undefined ? null : isoTime(inForce.sinceMs),
    warnings: inForce?.warnings.slice(0, toldMax) ?? [],
    refusal:
      refused === undefined
        ? null
        : {
            at: isoTime(refused.atMs),
            problems: refused.problems.slice(0, toldMax),
            problemCount: refused.problems.length,
          },
  };
}
