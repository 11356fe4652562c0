import { createHash } from 'node:crypto';

import type { AgentEntry, PlanFileEntry } from './plan-schema';
import type { PlanTexts } from './plan-texts';
import type { RouteEntry } from './route-schema';
import type { PlanSecrets } from './secret-reference';

/** What a plan is built of: checked, and plain data, so that it can pass from one thread to another. */
export interface PlanParts {
  /** The first 12 hexadecimal digits of the SHA-256 of what the plan says, whatever its files are called. */
  readonly hash: string;
  /** Names within the folder, in the order in which they were read. */
  readonly files: readonly string[];
  /** In order. One file may stand in several entries: names are one set, routes follow one another. */
  readonly entries: readonly PlanFileEntry[];
  readonly texts: PlanTexts;
  /** No part of the hash. */
  readonly secrets: PlanSecrets;
}

export type PlanSection = Exclude<keyof PlanFileEntry, 'routes'>;
export type EntryOf<S extends PlanSection> = NonNullable<PlanFileEntry[S]>[string];

export function planParts(parts: Omit<PlanParts, 'hash'>): PlanParts {
  return { hash: hashOf(parts.entries, parts.texts), ...parts };
}

/** Everything of one section by its name, in the order in which it was read. */
export function namedEntries<S extends PlanSection>(
  entries: readonly PlanFileEntry[],
  section: S,
): [string, EntryOf<S>][] {
  return entries.flatMap((entry) => Object.entries(entry[section] ?? {}) as [string, EntryOf<S>][]);
}

export function routeEntries(entries: readonly PlanFileEntry[]): RouteEntry[] {
  return entries.flatMap((entry) => entry.routes ?? []);
}

/** One text or a list of them. */
export function listOf(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** Cuts entries so that none holds more than so many things: first what has a name, then the routes, in order. */
export function* cutEntries(entries: readonly PlanFileEntry[], thingsMax: number): Generator<PlanFileEntry> {
  for (const { routes: _, ...sections } of entries) {
    for (const [section, things] of Object.entries(sections)) {
      for (const some of slicesOf(Object.entries(things as object), thingsMax))
        yield { [section]: Object.fromEntries(some) };
    }
  }
  for (const { routes = [] } of entries) {
    for (const some of slicesOf(routes, thingsMax)) yield { routes: some };
  }
}

function* slicesOf<T>(list: readonly T[], lengthMax: number): Generator<T[]> {
  for (let at = 0; at < list.length; at += lengthMax) yield list.slice(at, at + lengthMax);
}

const hashLength = 12;

/** Of what the plan says, in whichever files it says it: names are sets, routes and trunks have an order. */
function hashOf(entries: readonly PlanFileEntry[], texts: PlanTexts): string {
  const said = whatIsSaid(entries, texts);
  return createHash('sha256')
    .update(canonicalJson({ ...said, trunks: [...said.trunks] }))
    .digest('hex')
    .slice(0, hashLength);
}

/** What entries say, each by its name, with the texts of files in place of their names. */
export function whatIsSaid(entries: readonly PlanFileEntry[], texts: PlanTexts) {
  return {
    schedules: new Map(
      namedEntries(entries, 'schedules').map(([name, entry]) => {
        const closed = listOf(entry.closed ?? []).map((one) => texts.calendars.get(one) ?? one);
        return [name, { ...entry, closed }] as const;
      }),
    ),
    destinations: new Map(
      namedEntries(entries, 'destinations').map(([name, entry]) => {
        const version = texts.recordings.get(entry.waiting)?.digest.slice(0, hashLength);
        return [name, { ...entry, waiting: version ?? entry.waiting }] as const;
      }),
    ),
    trunks: new Map(namedEntries(entries, 'trunks')),
    users: new Map(namedEntries(entries, 'users')),
    agents: new Map(
      namedEntries(entries, 'agents').map(([name, entry]) => {
        const instructions = texts.instructions.get(entry.instructions ?? '') ?? entry.instructions;
        const idle = entry.idle && { ...entry.idle, texts: idleTexts(entry.idle, texts.instructions) };
        return [name, { ...entry, instructions, idle }] as const;
      }),
    ),
    tools: new Map(
      namedEntries(entries, 'tools').map(([name, entry]) => {
        const module = entry.module === undefined ? undefined : (texts.modules.get(entry.module) ?? entry.module);
        return [name, { ...entry, module }] as const;
      }),
    ),
    routes: routeEntries(entries),
  };
}

function idleTexts(
  { check_in, goodbye }: NonNullable<AgentEntry['idle']>,
  texts: PlanTexts['instructions'],
): (string | undefined)[] {
  return [texts.get(check_in ?? ''), texts.get(goodbye ?? '')];
}

/** Equal texts for equal values: the order in which keys were written means nothing. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value instanceof Map) return canonicalJson(Object.fromEntries(value as Map<string, unknown>));
  const map = value as Readonly<Record<string, unknown>>;
  let text = '';
  for (const key of Object.keys(map).sort()) {
    const inner = map[key];
    if (inner !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(inner)}`;
  }
  return `{${text}}`;
}
