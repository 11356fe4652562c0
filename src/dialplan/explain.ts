import { formatCivilTime, momentIn } from './call-time';
import type { CallTime } from './call-time';
import type { IncomingCall } from './incoming-call';
import { matchesSet, patternText } from './pattern';
import type { PatternSet } from './pattern';
import type { PercentSplit } from './percent-split';
import type { Plan, Route } from './plan';
import { CallFacts, mismatchOf } from './route';
import type { Mismatch } from './route';
import { scheduleAt } from './schedule';
import type { Schedule, ScheduleState } from './schedule';

/** Which route takes a call, and why each one before it does not. */
export interface Explanation {
  /** Undefined when no route takes the call. */
  readonly taken: TakenRoute | undefined;
  /** The routes before it, in order; all of them when none takes the call. */
  readonly passed: readonly PassedRoute[];
  readonly trunk: string | undefined;
  readonly splits: readonly PercentSplit[];
}

export interface TakenRoute {
  readonly route: Route;
  /** Its place in the plan, from 1. */
  readonly place: number;
  /** Each of its conditions and how the call meets it; empty for one that takes every call. */
  readonly because: readonly string[];
}

export interface PassedRoute {
  readonly name: string;
  readonly place: number;
  /** The first condition that does not hold. */
  readonly mismatch: Mismatch;
  readonly because: string;
}

/** Looks at routes one by one as `route` does, with the same conditions and percentages. Pure. */
export function explainRoute(plan: Plan, call: IncomingCall, at: CallTime): Explanation {
  const facts = new CallFacts(plan, call, ({ clock }) => momentIn(clock, at));
  const passed: PassedRoute[] = [];
  for (const [order, candidate] of plan.routes.entries()) {
    const place = order + 1;
    const mismatch = mismatchOf(candidate, facts);
    if (mismatch === undefined) {
      const taken = { route: candidate, place, because: conditionsOf(candidate, { facts, at }) };
      return { taken, passed, trunk: facts.trunk, splits: facts.splits };
    }
    passed.push({ name: candidate.name, place, mismatch, because: whyNot(candidate, mismatch, { facts, at }) });
  }
  return { taken: undefined, passed, trunk: facts.trunk, splits: facts.splits };
}

interface CallAtTime {
  readonly facts: CallFacts;
  readonly at: CallTime;
}

function whyNot(route: Route, mismatch: Mismatch, { facts, at }: CallAtTime): string {
  const { call } = facts;
  switch (mismatch) {
    case 'to':
      return `the called number ${quoted(call.to)} is not ${listOf(route.to)}`;
    case 'from':
      return `the caller ${quoted(call.from)} is not ${listOf(route.from)}`;
    case 'trunk':
      return `the call came through ${trunkText(facts)}, not through ${[...(route.trunks ?? [])].join(' or ')}`;
    case 'header':
      return whyNotHeader(route, facts);
    case 'during':
      return (route.during ?? []).map((schedule) => scheduleText(schedule, at)).join('; ');
    case 'outside':
      return scheduleTexts(route.outside, { open: true, facts, at }).join('; ');
    case 'percent':
      return percentText(facts.splits.at(-1), 'not below');
  }
}

function conditionsOf(route: Route, { facts, at }: CallAtTime): string[] {
  const { call } = facts;
  const texts: string[] = [];
  if (route.to !== undefined) texts.push(`the called number ${quoted(call.to)} is ${listOf(route.to)}`);
  if (route.from !== undefined) texts.push(`the caller ${quoted(call.from)} is ${listOf(route.from)}`);
  if (route.trunks !== undefined) texts.push(`the call came through ${trunkText(facts)}`);
  for (const { name, patterns } of route.headers) {
    texts.push(`header ${name} is ${quoted(facts.header(name) ?? '')}, which is ${listOf(patterns)}`);
  }
  texts.push(...scheduleTexts(route.during, { open: true, facts, at }));
  texts.push(...scheduleTexts(route.outside, { open: false, facts, at }));
  if (route.percent !== undefined) texts.push(percentText(facts.splits.at(-1), 'below'));
  return texts;
}

function whyNotHeader(route: Route, facts: CallFacts): string {
  for (const { name, patterns } of route.headers) {
    const value = facts.header(name);
    if (value === undefined) return `there is no header ${name}`;
    if (!matchesSet(patterns, value)) return `header ${name} is ${quoted(value)}, not ${listOf(patterns)}`;
  }
  return 'a header is missing';
}

/** Those of some schedules that are open, or that are closed. */
function scheduleTexts(
  schedules: readonly Schedule[] | undefined,
  { open, facts, at }: CallAtTime & { open: boolean },
): string[] {
  const ofState = (schedules ?? []).filter((schedule) => facts.isOpen(schedule) === open);
  return ofState.map((schedule) => scheduleText(schedule, at));
}

const reasons: Record<ScheduleState['because'], string> = {
  week: 'by its weekly hours',
  'closed-day': 'it is a closed day',
  override: 'by an override for this date',
};

function scheduleText(schedule: Schedule, at: CallTime): string {
  const unixMs = momentIn(schedule.clock, at);
  const { open, because } = scheduleAt(schedule, unixMs);
  const shown = schedule.clock.at(unixMs);
  const minuteMeant = at.kind === 'date' ? at.time.minute : at.kind === 'weekday' ? at.minute : shown.minute;
  const skipped = minuteMeant === shown.minute ? '' : ' (the clock is put forward over the time that was asked for)';
  const place = `${formatCivilTime(shown)} in ${schedule.clock.timeZone}${skipped}`;
  return `schedule ${schedule.name} is ${open ? 'open' : 'closed'} at ${place}, ${reasons[because]}`;
}

function percentText(split: PercentSplit | undefined, how: 'below' | 'not below'): string {
  return `the caller falls at ${split?.point} of 100, ${how} its ${split?.percent} percent`;
}

function trunkText({ trunk }: CallFacts): string {
  return trunk === undefined ? 'no trunk' : `trunk ${trunk}`;
}

const listedPatternsMax = 5;

function listOf(set: PatternSet | undefined): string {
  const texts = (set?.patterns ?? []).map(patternText);
  const more = texts.length - listedPatternsMax;
  return texts.slice(0, listedPatternsMax).join(' or ') + (more > 0 ? ` or one of ${more} more` : '');
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
