import type { IncomingMessage } from 'node:http';

import type { CallSnapshot } from '../call/call-observer';
import type {
  SupervisionRecord,
  SupervisionRefusal,
  SupervisionReply,
  SupervisionRequest,
} from '../call/supervision-record';
import { supervisionModes } from '../dialplan/destination-schema';
import type { SupervisionMode } from '../dialplan/destination-schema';
import { isoTime } from '../runtime/iso-time';
import { answerApiRequest } from './api-request';
import { jsonAnswer } from './http-answer';
import type { Answer } from './http-answer';

/** What the console may do with calls that are up. Nothing here rejects. */
export interface CallsControl {
  list(): readonly CallSnapshot[];
  supervise(request: SupervisionRequest): Promise<SupervisionReply>;
}

type Body = Readonly<Record<string, unknown>>;

interface CallOperation {
  readonly method: 'GET' | 'POST';
  readonly answer: (calls: CallsControl, body: Body) => Answer | Promise<Answer>;
}

/** By path. */
export const callOperations: ReadonlyMap<string, CallOperation> = new Map<string, CallOperation>([
  ['/calls', { method: 'GET', answer: (calls) => jsonAnswer(200, listOf(calls.list())) }],
  ['/calls/supervise', { method: 'POST', answer: begin }],
  ['/calls/supervise/mode', { method: 'POST', answer: change }],
  ['/calls/supervise/end', { method: 'POST', answer: end }],
]);

/** Calls beyond these are counted. */
const toldMax = 1_000;

export function answerCallsRequest(
  { method, answer }: CallOperation,
  request: IncomingMessage,
  { calls, token }: { calls: CallsControl; token: string | undefined },
): Promise<Answer> {
  return answerApiRequest(request, { method, token, answer: (body) => answer(calls, body) });
}

async function begin(calls: CallsControl, { call, to, mode }: Body): Promise<Answer> {
  if (!isText(call) || !isText(to) || !isMode(mode)) {
    return badRequest(`{"call": ID, "to": DESTINATION, "mode": ${oneMode}}`);
  }
  const reply = await calls.supervise({ kind: 'begin', callId: call, to, mode });
  return reply.kind === 'refused' ? refused(reply.why) : jsonAnswer(202, { outcome: 'calling' });
}

async function change(calls: CallsControl, { call, mode }: Body): Promise<Answer> {
  if (!isText(call) || !isMode(mode)) return badRequest(`{"call": ID, "mode": ${oneMode}}`);
  const reply = await calls.supervise({ kind: 'mode', callId: call, mode });
  if (reply.kind === 'refused') return refused(reply.why);
  return jsonAnswer(reply.kind === 'waiting' ? 202 : 200, { outcome: reply.kind });
}

async function end(calls: CallsControl, { call }: Body): Promise<Answer> {
  if (!isText(call)) return badRequest('{"call": ID}');
  const reply = await calls.supervise({ kind: 'end', callId: call });
  return reply.kind === 'refused' ? refused(reply.why) : jsonAnswer(200, { outcome: 'done' });
}

const refusals: Readonly<Record<SupervisionRefusal, { status: number; error: string }>> = {
  'no-such-call': { status: 404, error: 'no call of that id is up' },
  'no-such-destination': { status: 404, error: 'the plan has no such destination' },
  'not-a-supervisor': { status: 403, error: 'the plan does not make this destination a supervisor' },
  'mode-not-allowed': { status: 403, error: 'the plan does not allow this supervisor that mode' },
  'call-not-up': { status: 409, error: 'the call is not answered yet, or is ending' },
  'supervised-already': { status: 409, error: 'the call has a supervisor already, or one is being called' },
  'not-supervised': { status: 409, error: 'the call has no supervisor' },
  'taken-over': { status: 409, error: 'the supervisor has taken the call over: it ends when either hangs up' },
  'too-many': { status: 503, error: 'as many calls are supervised as may be (RINGBRIDGE_MAX_SUPERVISIONS)' },
  'no-answer': { status: 503, error: 'the process that has the call does not answer' },
};

function refused(why: SupervisionRefusal): Answer {
  const { status, error } = refusals[why];
  return jsonAnswer(status, { outcome: 'refused', cause: why, error });
}

const oneMode = supervisionModes.map((mode) => `"${mode}"`).join(' | ');

function badRequest(wanted: string): Answer {
  return jsonAnswer(400, { error: `the body must be ${wanted}` });
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isMode(value: unknown): value is SupervisionMode {
  return supervisionModes.some((mode) => mode === value);
}

function listOf(calls: readonly CallSnapshot[]): object {
  const up = calls.filter(({ state }) => state !== 'ended').sort((a, b) => a.startedAtMs - b.startedAtMs);
  return { calls: up.slice(0, toldMax).map(callView), callCount: up.length };
}

function callView(call: CallSnapshot): object {
  const { callId, from, to, route, agent, state, startedAtMs, answeredAtMs, supervisions } = call;
  const last = supervisions.at(-1);
  return {
    callId,
    from,
    to,
    route: route ?? null,
    agent: agent ?? null,
    state,
    startedAt: isoTime(startedAtMs),
    answeredAt: answeredAtMs === undefined ? null : isoTime(answeredAtMs),
    /** The last one, also when it is over. */
    supervision: last === undefined ? null : supervisionView(last),
  };
}

function supervisionView({ destination, outcome, detail, answeredAtMs, endedAtMs, modes }: SupervisionRecord): object {
  return {
    destination,
    outcome: outcome ?? 'calling',
    detail: detail ?? null,
    mode: endedAtMs === undefined ? (modes.at(-1)?.mode ?? null) : null,
    since: answeredAtMs === undefined ? null : isoTime(answeredAtMs),
    over: endedAtMs !== undefined,
  };
}
