import type { CallEvent } from '../../src/call/call-observer';
import type { MediaFailure } from '../../src/media/media-leg';
import type { CallerLegListener } from '../../src/signalling/caller-leg';
import type { VirtualCallOptions } from '../support/virtual-call';
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

/** Acts once, when the call's first event of a kind is told and so many promises have settled since. */
function on(which: (event: CallEvent) => boolean, microtasks: number, act: () => void): (event: CallEvent) => void {
  let done = false;
  return (event) => {
    if (done || !which(event)) return;
    done = true;
    void after(microtasks, act);
  };
}

async function after(microtasks: number, act: () => void): Promise<void> {
  if (microtasks === 0) {
    act();
    return;
  }
  for (let i = 0; i < microtasks; i += 1) await Promise.resolve();
  act();
}

const isModelReady = (event: CallEvent): boolean => event.kind === 'model-ready';
const movesTo = (state: string) => (event: CallEvent) => event.kind === 'state' && event.to === state;

describe('a caller who leaves at any moment of the answer', () => {
  const moments = ['INVITE', 'model-ready', 'answering', 'active'] as const;
  const ways = {
    CANCEL: (call: VirtualCall) => call.caller.cancel(),
    BYE: (call: VirtualCall) => call.caller.bye(),
    'a lost dialog': (call: VirtualCall) => call.caller.lose('no ACK'),
    'a lost server': (call: VirtualCall) => call.caller.loseServer(),
  };

  async function leaveAt(
    options: VirtualCallOptions,
    moment: (typeof moments)[number],
    microtasks: number,
    way: keyof typeof ways,
  ) {
    const leave = (): void => ways[way](call);
    const which = moment === 'model-ready' ? isModelReady : movesTo(moment);
    const call: VirtualCall = new VirtualCall({ ...options, onEvent: on(which, microtasks, leave) });
    call.ring();
    if (moment === 'INVITE') await after(microtasks, leave);
    await call.run(500);
    // A CANCEL after the 200 comes to nothing.
    call.caller.bye();
    await ended(call);
    return call;
  }

  test.each(moments.flatMap((moment) => Object.keys(ways).map((way) => [moment, way as keyof typeof ways] as const)))(
    'after %s, by %s, leaves nothing open and is no error',
    async (moment, way) => {
      for (const options of [{}, { lateOffer: true, caller: { answerTo: () => pcmuOffer } }, { mediaDelayMs: 0 }]) {
        for (let microtasks = 0; microtasks < 16; microtasks += 1) {
          const call = await leaveAt(options, moment, microtasks, way);
          expect(endReason(call)).toMatchObject({ kind: 'caller-hung-up' });
          expect(errors(call)).toEqual([]);
          expect(saw(call)).not.toContain('bye');
          expect(saw(call)).not.toContain('rejected');
          expect(call.last('ended')?.snapshot.answeredAtMs !== undefined).toBe(saw(call).includes('answered'));
        }
      }
    },
    20_000,
  );

  test('while a media leg is being made costs no model and no error', async () => {
    const call = new VirtualCall({ mediaDelayMs: 100 });
    call.ring();
    await call.run(50);
    call.caller.cancel();
    await ended(call);
    expect(call.peer).toBeUndefined();
    expect(errors(call)).toEqual([]);
  });

  test('by a CANCEL that crosses our 200 has not been answered', async () => {
    const call = new VirtualCall({ caller: { ackDelayMs: 'never' } });
    const listen = jest.spyOn(call.caller.leg, 'listen');
    await call.answered();
    const listener = listen.mock.calls[0]?.[0] as CallerLegListener;
    listener.onHangUp({ kind: 'cancel' });
    await ended(call);
    expect(call.last('ended')?.snapshot.answeredAtMs).toBeUndefined();
  });

  test('with the ACK and the BYE in one packet has hung up, and is not lost', async () => {
    const call = await new VirtualCall({ caller: { ackDelayMs: 'never' } }).answered();
    call.caller.bye();
    await ended(call);
    expect(endReason(call)).toEqual({ kind: 'caller-hung-up', how: { kind: 'bye', reason: undefined } });
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

describe('a call that ends in the middle of a step', () => {
  const endAt = (which: (event: CallEvent) => boolean, options: VirtualCallOptions = {}): VirtualCall => {
    const end = (): void => call.calls.endAll({ kind: 'draining' });
    const call: VirtualCall = new VirtualCall({ ...options, onEvent: on(which, 0, end) });
    return call;
  };

  test('by an observer before the 200 is rejected, and never answered', async () => {
    const call = endAt(movesTo('answering'));
    call.ring();
    await ended(call);
    expect(call.caller.saw.at(-1)).toMatchObject({ kind: 'rejected', status: 503 });
    expect(saw(call)).not.toContain('answered');
    expect(errors(call)).toEqual([]);
    expect(call.last('ended')?.snapshot.answeredAtMs).toBeUndefined();
  });

  test('by media that fails as it starts does not become active', async () => {
    const failure: MediaFailure = { kind: 'media-error', message: 'no route to host' };
    for (const lateOffer of [false, true]) {
      const call = new VirtualCall({
        lateOffer,
        caller: { answerTo: () => pcmuOffer },
        onLeg: (leg) => (leg.start = (listener) => listener.onFailure(failure)),
      });
      call.ring();
      await ended(call);
      expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
      expect(endReason(call)).toEqual({ kind: 'media-failed', failure });
      expect(errors(call)).toEqual([]);
    }
  });

  test('by an observer as it becomes active keeps no time limit', async () => {
    const call = endAt(movesTo('active'), { decision: (answer) => ({ ...answer, lengthLimitMs: 3_600_000 }) });
    call.ring();
    await ended(call);
    expect(saw(call)).toEqual(['ringing', 'answered', 'bye']);
  });
});
