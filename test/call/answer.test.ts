import { pcmuOffer, VirtualCall } from '../support/virtual-call';

const saw = (call: VirtualCall): string[] => call.caller.saw.map(({ kind }) => kind);
const errors = (call: VirtualCall): string[] => call.log.lines.filter((line) => line.startsWith('error '));
const endReason = (call: VirtualCall) => call.last('ended')?.event.reason;

async function ended(call: VirtualCall): Promise<void> {
  await call.run(10_000);
  expect(call.events.filter(({ event }) => event.kind === 'ended')).toHaveLength(1);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
  expect({ legs: call.openLegs.size, connections: call.openConnections }).toEqual({ legs: 0, connections: 0 });
}

describe('a caller who leaves at any moment of the answer', () => {
  test('while a media leg is being made costs no model and no error', async () => {
    const call = new VirtualCall({ mediaDelayMs: 100 });
    call.ring();
    await call.run(50);
    call.caller.cancel();
    await ended(call);
    expect(call.peer).toBeUndefined();
    expect(errors(call)).toEqual([]);
  });
});

describe('something of ours that throws', () => {
  const broken = (): never => {
    throw new Error('broken');
  };

  test.each([
    ['the route', { route: broken }],
    ['the choice of a model', { modelFor: broken }],
    ['the session', { openSession: broken }],
  ])('in %s answers 500 and leaves nothing open', async (_part, services) => {
    const call = new VirtualCall({ services });
    call.ring();
    await ended(call);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'rejected', status: 500 });
    expect(endReason(call)?.kind).toBe('internal-error');
  });

  test('when media starts ends the call with a BYE and escapes nowhere', async () => {
    const escaped = jest.fn();
    process.on('unhandledRejection', escaped);
    const call = new VirtualCall({ caller: { ackDelayMs: 30 }, onLeg: (leg) => (leg.start = broken) });
    call.ring();
    await ended(call);
    process.off('unhandledRejection', escaped);
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
    expect(endReason(call)?.kind).toBe('internal-error');
    expect(escaped).not.toHaveBeenCalled();
  });

  test('when the answer to a late offer is applied ends the call with a BYE', async () => {
    const call = new VirtualCall({
      lateOffer: true,
      caller: { answerTo: () => pcmuOffer },
      onLeg: (leg) => (leg.acceptAnswer = broken),
    });
    call.ring();
    await ended(call);
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
  });
});
