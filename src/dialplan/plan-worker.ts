import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import { invariant } from '../runtime/invariant';
import type { PlanRead } from './file-read';
import { attemptPlan } from './plan-attempt';
import type { PlanAttempt } from './plan-attempt';
import { cutEntries } from './plan-parts';
import type { PlanParts } from './plan-parts';
import { folderReader } from './plan-reader';
import type { PlanRecording } from './plan-recordings';
import type { PlanFileEntry } from './plan-schema';
import type { RouteEntry } from './route-schema';
import { sourceReader } from './plan-source';
import type { PlanSource } from './plan-source';

// The thread in which dialplans are read and checked: `PlanThread` starts it and builds the plan of what it sends.

/** Asks the thread to read a plan. */
export interface ReadRequest {
  /** From a folder, with the secrets inside of it from another; or from what was read already. */
  readonly from:
    | { readonly kind: 'folder'; readonly folder: string; readonly secretsFolder: string }
    | { readonly kind: 'source'; readonly source: PlanSource };
  /** Where the pieces of the plan go. */
  readonly pieces: MessagePort;
}

/** What the thread answers, after all pieces are on their way. */
export type ReadAnswer = Pick<PlanAttempt, 'digest' | 'warnings'> &
  (
    | ({ readonly kind: 'loaded' } & Pick<PlanParts, 'hash' | 'files'>)
    | Pick<Extract<PlanAttempt, { kind: 'refused' }>, 'kind' | 'problems'>
  );

/** A part of a plan that is taken in at once. */
export type PlanPiece =
  | { readonly kind: 'read'; readonly name: string; readonly read: PlanRead }
  | ({ readonly kind: 'outside' } & Omit<PlanSource, 'reads'>)
  | { readonly kind: 'instructions'; readonly name: string; readonly text: string }
  | { readonly kind: 'calendar'; readonly name: string; readonly days: readonly number[] }
  | { readonly kind: 'module'; readonly name: string; readonly version: string }
  | { readonly kind: 'recording'; readonly name: string; readonly recording: PlanRecording }
  | { readonly kind: 'secret'; readonly reference: string; readonly value: string }
  | { readonly kind: 'entry'; readonly entry: PlanFileEntry }
  | { readonly kind: 'routes'; readonly routes: readonly RouteEntry[] };

/** Some tenths of a millisecond for the thread that takes it. */
const thingsPerPieceMax = 100;

invariant(parentPort !== null, 'this file is run as a worker thread');
const parent = parentPort;
// The YAML parser asks for an environment variable at every word, and a plain object answers many times as fast.
const env: Readonly<Record<string, string | undefined>> = { ...process.env };
process.env = { ...env };

parent.on('message', (request: ReadRequest) => {
  // A throw ends the thread, which is told to whoever waits for the answer.
  void read(request).then((answer) => parent.postMessage(answer));
});

async function read({ from, pieces }: ReadRequest): Promise<ReadAnswer> {
  const reader = from.kind === 'source' ? sourceReader(from.source) : folderReader(from.folder, { ...from, env });
  const { attempt, parts } = await attemptPlan(reader);
  const { source, digest, warnings } = attempt;
  const { reads, ...outside } = source;
  for (const [name, found] of reads) {
    // A copy: what was read lies in a buffer of the greatest size that a file may have.
    const bytes = found.kind === 'read' ? Uint8Array.from(found.bytes) : undefined;
    const compact = bytes === undefined ? found : { kind: 'read', bytes };
    pieces.postMessage({ kind: 'read', name, read: compact }, bytes === undefined ? [] : [bytes.buffer]);
  }
  pieces.postMessage({ kind: 'outside', ...outside } satisfies PlanPiece);
  if (attempt.kind === 'refused' || parts === undefined) {
    const problems = attempt.kind === 'refused' ? attempt.problems : [];
    return { kind: 'refused', problems, digest, warnings };
  }
  for (const [name, recording] of parts.texts.recordings) {
    // Handed over: the thread keeps no second copy.
    const buffers = new Set(Object.values(recording.sound).map(({ buffer }) => buffer as ArrayBuffer));
    pieces.postMessage({ kind: 'recording', name, recording } satisfies PlanPiece, [...buffers]);
  }
  for (const piece of piecesOf(parts)) pieces.postMessage(piece);
  return { kind: 'loaded', hash: parts.hash, files: parts.files, digest, warnings };
}

function* piecesOf({ entries, texts, secrets }: PlanParts): Generator<PlanPiece> {
  for (const [name, text] of texts.instructions) yield { kind: 'instructions', name, text };
  for (const [name, days] of texts.calendars) yield { kind: 'calendar', name, days };
  for (const [name, version] of texts.modules) yield { kind: 'module', name, version };
  for (const [reference, secret] of secrets) yield { kind: 'secret', reference, value: secret.reveal() };
  for (const entry of cutEntries(entries, thingsPerPieceMax)) {
    yield entry.routes === undefined ? { kind: 'entry', entry } : { kind: 'routes', routes: entry.routes };
  }
}
