import { IncomingOrder, incomingSteps } from './incoming-orders';
import { OutgoingOrder, outgoingSteps } from './outgoing-orders';

/** Further steps that each pair is tried with; `node scripts/fuzz-sip.mjs` asks for longer orders. */
const stepsMax = Number(process.env.RINGBRIDGE_FUZZ_ORDER_STEPS ?? 2);
/** Each step is over before the next, or all cross each other. */
const gapsMs = [20, 0];

jest.setTimeout(7_200_000);

function ordersOf<Step>(steps: readonly Step[], length: number): Step[][] {
  if (length === 0) return [[]];
  return ordersOf(steps, length - 1).flatMap((before) => steps.map((step) => [...before, step]));
}

function problemsOf<Step extends string>(
  steps: readonly Step[],
  play: (order: readonly Step[], gapMs: number) => string[],
): string[] {
  return ordersOf(steps, stepsMax).flatMap((order) =>
    gapsMs.flatMap((gapMs) => play(order, gapMs).map((problem) => `${gapMs} ms, ${order.join(', ')}: ${problem}`)),
  );
}

test('whatever caller and application do after an INVITE, each request has one answer, the call one end, and nothing stays', () => {
  expect(problemsOf(incomingSteps, (order, gapMs) => new IncomingOrder().play(order, gapMs))).toEqual([]);
});

test('whatever callees and application do after our INVITE, the call has one end, whoever answers too, and nothing stays', () => {
  expect(problemsOf(outgoingSteps, (order, gapMs) => new OutgoingOrder().play(order, gapMs))).toEqual([]);
});
