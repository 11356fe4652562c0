import type { Random } from '../../src/runtime/random';
import { seededRandom } from '../../src/runtime/random';
import { pcmuOffer } from '../support/virtual-call';
import { destination, TransferringCall } from './transferring-call';

// Whatever happens in whatever order: one record, everything closed, and nothing that throws.

const none = { busy: undefined, noAnswer: undefined, failure: undefined };
const plan = [
  destination('sales', { ringLimitMs: 5_000, otherwise: { ...none, busy: 'desk', failure: 'hand-over' } }),
  destination('desk', { ringLimitMs: 5_000, otherwise: { ...none, noAnswer: 'hand-over' } }),
  destination('hand-over', { method: 'refer', ringLimitMs: 5_000 }),
];

type Happening = (call: TransferringCall, random: Random) => unknown;

const last = (call: TransferringCall) => call.callees.called.at(-1);
const happenings: readonly Happening[] = [
  (call) => last(call)?.ring(),
  (call) => last(call)?.ring(183, pcmuOffer),
  (call) => last(call)?.answer(pcmuOffer),
  (call) => last(call)?.answer('v=0\r\nnonsense'),
  (call) => last(call)?.reject(486),
  (call) => last(call)?.reject(503),
  (call) => last(call)?.bye(),
  (call) => last(call)?.loseServer(),
  (call) => last(call)?.pressByInfo('4'),
  (call) => call.caller.tellReferred({ kind: 'accepted' }),
  (call) => call.caller.tellReferred({ kind: 'status', status: 180 }),
  (call) => call.caller.tellReferred({ kind: 'status', status: 486 }),
  (call) => call.caller.tellReferred({ kind: 'status', status: 200 }),
  (call) => call.peer?.close(1006, 'gone'),
  (call) => call.phone.press('1'),
  (call) => call.phone.fail({ kind: 'media-timeout', silentMs: 15_000 }),
  (call) => call.caller.pressByInfo('2'),
  (call) => void call.caller.reinvite(pcmuOffer.replace('a=sendrecv', 'a=sendonly')),
  (call) => call.caller.bye(),
];
/** Of these there are more, so that calls live long enough. */
const common: readonly Happening[] = [
  (call) => call.run(200),
  (call) => call.run(1_000),
  (call) => call.run(6_000),
  async (call) => {
    if (call.ended() === undefined && call.openConnections > 0) await call.askForTransfer('sales');
  },
];

test.each(Array.from({ length: 150 }, (_, seed) => seed))('random schedule %i leaves nothing behind', async (seed) => {
  const random = seededRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.fraction() * list.length)]!;
  const call = new TransferringCall(plan);
  await call.answered();
  if (random.fraction() < 0.5) await call.speak(500);
  await call.askForTransfer('sales');
  for (let step = 0; step < 25 && call.ended() === undefined; step += 1) {
    await pick(random.fraction() < 0.4 ? happenings : common)(call, random);
    // Half of the time the next thing happens in the same instant.
    if (random.fraction() < 0.5) await call.run(20 * Math.floor(random.fraction() * 10));
  }
  call.caller.bye();
  await call.expectClean();
  expect(call.attempts.every(({ outcome, endedAtMs }) => outcome !== undefined && endedAtMs !== undefined)).toBe(true);
});
