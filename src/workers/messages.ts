import type { AdmissionRefusal } from '../call/call-limits';
import type { CallEvent, CallSnapshot } from '../call/call-observer';
import type { EndReason } from '../call/end-reason';
import type { SupervisionReply, SupervisionRequest } from '../call/supervision-record';
import type { Settings } from '../config/settings';
import type { PlanSource } from '../dialplan/plan-source';
import type { SipServerAddress } from '../signalling/sip-server-address';
import type { PortRange } from './port-slices';

/**
 * Both ends come from one build, as a rule: a worker that is started again after an update of the installed program does
 * not. Another number here makes it refuse to start.
 */
export const protocolVersion = 2;

/** What a plan is sent as; the hash must come out the same. */
export interface SentPlan {
  source: PlanSource;
  hash: string;
}

export interface WorkerStart {
  protocol: number;
  /** From 1. */
  worker: number;
  settings: Settings;
  rtpPorts: PortRange;
  server: SipServerAddress;
  plan: SentPlan;
}

/** What the parent tells a worker. */
export type ToWorker =
  /** The first message, once. Answered by `ready` or `refused`. */
  | { kind: 'start'; start: WorkerStart }
  /** Answered by `plan-used` or `plan-refused`, in order. */
  | { kind: 'use-plan'; plan: SentPlan }
  /** The answer to `admit`. */
  | { kind: 'admission'; callId: string; refusal: AdmissionRefusal | undefined }
  /** Answered by `report`: the heartbeat, and the figures for the metrics. */
  | { kind: 'ask' }
  /** Answered by `supervision`, with its number. */
  | { kind: 'supervise'; question: number; request: SupervisionRequest }
  | { kind: 'refuse-calls' }
  /** Answered by `drained`. */
  | { kind: 'drain'; limitMs: number }
  | { kind: 'end-all'; reason: EndReason }
  /** Answered by the end of the process. */
  | { kind: 'close' };

/** How a worker is. */
export interface WorkerReport {
  connected: boolean;
  calls: readonly CallSnapshot[];
  lateness: LatenessCounts;
  unanswerable: number;
  cpuSeconds: number;
  memoryBytes: number;
}

/** Since the process began. */
export interface LatenessCounts {
  boundsMs: readonly number[];
  counts: readonly number[];
  total: number;
  sumMs: number;
}

/** What a worker tells its parent. */
export type FromWorker =
  | { kind: 'ready'; model: string; planHash: string }
  /** It cannot start, and the line says why to the person who typed; it ends. */
  | { kind: 'refused'; line: string }
  | { kind: 'plan-used'; hash: string }
  | { kind: 'plan-refused'; hash: string; line: string }
  /** May this call be up? Sent before any event of it. */
  | { kind: 'admit'; call: CallSnapshot; routeCallsMax: number | undefined }
  | { kind: 'call-event'; event: CallEvent; call: CallSnapshot }
  | { kind: 'report'; report: WorkerReport }
  | { kind: 'supervision'; question: number; reply: SupervisionReply }
  /** An error escaped: it takes no more calls, lets those in progress end, and ends. */
  | { kind: 'failing' }
  | { kind: 'drained' }
  /** A line of its log, without a newline. */
  | { kind: 'log'; line: string }
  /** The last one before it ends. */
  | { kind: 'ending' };

type Fields = Record<string, unknown>;
type Check = (fields: Fields) => boolean;

const isText = (value: unknown): boolean => typeof value === 'string';
const isCount = (value: unknown): boolean => typeof value === 'number' && value >= 0;
const isFlag = (value: unknown): boolean => typeof value === 'boolean';
const hasKind = (value: unknown): boolean => isFields(value) && isText(value.kind);

const toWorker: Readonly<Record<ToWorker['kind'], Check>> = {
  start: ({ start }) => isFields(start) && start.protocol === protocolVersion && isStart(start),
  'use-plan': ({ plan }) => isPlan(plan),
  admission: ({ callId, refusal }) => isText(callId) && (refusal === undefined || hasKind(refusal)),
  ask: () => true,
  supervise: ({ question, request }) => isCount(question) && hasKind(request) && isText((request as Fields).callId),
  'refuse-calls': () => true,
  drain: ({ limitMs }) => isCount(limitMs),
  'end-all': ({ reason }) => hasKind(reason),
  close: () => true,
};

const fromWorker: Readonly<Record<FromWorker['kind'], Check>> = {
  ready: ({ model, planHash }) => isText(model) && isText(planHash),
  refused: ({ line }) => isText(line),
  'plan-used': ({ hash }) => isText(hash),
  'plan-refused': ({ hash, line }) => isText(hash) && isText(line),
  admit: ({ call, routeCallsMax }) => isCall(call) && (routeCallsMax === undefined || isCount(routeCallsMax)),
  'call-event': ({ event, call }) => hasKind(event) && isCall(call),
  report: ({ report }) => isFields(report) && isReport(report),
  supervision: ({ question, reply }) => isCount(question) && hasKind(reply),
  failing: () => true,
  drained: () => true,
  log: ({ line }) => isText(line),
  ending: () => true,
};

/** Undefined when it is no message for a worker of this build. */
export function readToWorker(value: unknown): ToWorker | undefined {
  return isMessage(value, toWorker) ? (value as unknown as ToWorker) : undefined;
}

/** Undefined when it is no message from a worker of this build. */
export function readFromWorker(value: unknown): FromWorker | undefined {
  return isMessage(value, fromWorker) ? (value as unknown as FromWorker) : undefined;
}

function isMessage(value: unknown, checks: Readonly<Record<string, Check>>): value is Fields {
  if (!isFields(value) || typeof value.kind !== 'string' || !Object.hasOwn(checks, value.kind)) return false;
  return checks[value.kind]?.(value) === true;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isStart({ worker, settings, rtpPorts, server, plan }: Fields): boolean {
  return isCount(worker) && isFields(settings) && isFields(rtpPorts) && isFields(server) && isPlan(plan);
}

function isPlan(plan: unknown): boolean {
  return isFields(plan) && isText(plan.hash) && isFields(plan.source) && plan.source.reads instanceof Map;
}

/** Its other fields are for those who read it: records, metrics, logs. */
function isCall(call: unknown): boolean {
  return isFields(call) && isText(call.callId) && isText(call.sipCallId) && isText(call.state) && isFields(call.tokens);
}

function isReport(report: Fields): boolean {
  const { connected, calls, lateness, unanswerable, cpuSeconds, memoryBytes } = report;
  const counts = [unanswerable, cpuSeconds, memoryBytes];
  return (
    isFlag(connected) && counts.every(isCount) && Array.isArray(calls) && calls.every(isCall) && isBuckets(lateness)
  );
}

function isBuckets(lateness: unknown): boolean {
  if (!isFields(lateness)) return false;
  const { boundsMs, counts, total, sumMs } = lateness;
  return Array.isArray(boundsMs) && Array.isArray(counts) && counts.every(isCount) && isCount(total) && isCount(sumMs);
}
