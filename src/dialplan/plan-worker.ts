import { parentPort } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';

import { invariant } from '../runtime/invariant';
import { attemptPlan } from './plan-attempt';
import type { PlanAttempt } from './plan-attempt';
import { cutEntries } from './plan-parts';
import type { PlanParts } from './plan-parts';
import { folderReader } from './plan-reader';
import type { PlanFileEntry } from './plan-schema';

// The thread in which dialplans are read and checked: `PlanThread` starts it and builds the plan of what it sends.

/** Asks the thread to read a folder. */
export interface ReadRequest {
  readonly folder: string;
  /** Where the pieces of the plan go. */
  readonly pieces: MessagePort;
}

/** What the thread answers, after all pieces are on their way. */
export type ReadAnswer = Pick<PlanAttempt, 'digest' | 'missed' | 'warnings'> &
  (
    | ({ readonly kind: 'loaded' } & Pick<PlanParts, 'hash' | 'files'>)
    | Pick<Extract<PlanAttempt, { kind: 'refused' }>, 'kind' | 'problems'>
  );

/** A part of a plan that is taken in at once. */
export type PlanPiece =
  | { readonly kind: 'source'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'instructions'; readonly name: string; readonly text: string }
  | { readonly kind: 'calendar'; readonly name: string; readonly days: readonly number[] }
  | { readonly kind: 'entry'; readonly entry: PlanFileEntry };

/** Some tenths of a millisecond for the thread that takes it. */
const thingsPerPieceMax = 100;

invariant(parentPort !== null, 'this file is run as a worker thread');
const parent = parentPort;
parent.on('message', (request: ReadRequest) => {
  // A throw ends the thread, which is told to whoever waits for the answer.
  void read(request).then((answer) => parent.postMessage(answer));
});

async function read({ folder, pieces }: ReadRequest): Promise<ReadAnswer> {
  const { attempt, parts } = await attemptPlan(folderReader(folder));
  const { sources, digest, missed, warnings } = attempt;
  for (const [name, bytes] of sources) {
    pieces.postMessage({ kind: 'source', name, bytes } satisfies PlanPiece, [bytes.buffer as ArrayBuffer]);
  }
  if (attempt.kind === 'refused' || parts === undefined) {
    const problems = attempt.kind === 'refused' ? attempt.problems : [];
    return { kind: 'refused', problems, digest, missed, warnings };
  }
  for (const piece of piecesOf(parts)) pieces.postMessage(piece);
  return { kind: 'loaded', hash: parts.hash, files: parts.files, digest, missed, warnings };
}

function* piecesOf({ entries, texts }: PlanParts): Generator<PlanPiece> {
  for (const [name, text] of texts.instructions) yield { kind: 'instructions', name, text };
  for (const [name, days] of texts.calendars) yield { kind: 'calendar', name, days };
  for (const entry of cutEntries(entries, thingsPerPieceMax)) yield { kind: 'entry', entry };
}
