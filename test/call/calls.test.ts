import type { CallEvent } from '../../src/call/call-observer';
import { modelSays, callerStartsToSpeak } from './model-lines';
import { VirtualCall } from '../support/virtual-call';

async function ended(call: VirtualCall): Promise<void> {
  await call.run(10_000);
  expect(call.events.filter(({ event }) => event.kind === 'ended')).toHaveLength(1);
  expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
}

describe('Calls', () => {
  test('a call that was cancelled before it was handed over is over at once', async () => {
    const call = new VirtualCall();
    call.caller.cancel();
    call.ring();
    expect(call.calls.active).toBe(0);
    await ended(call);
    expect(call.caller.saw).toEqual([]);
    expect(call.media.phones.size).toBe(0);
    expect(call.log.lines.filter((line) => line.startsWith('error '))).toEqual([]);
  });

  test('a second request to drain waits for the same end, and both are told', async () => {
    const call = await new VirtualCall().answered();
    const told: string[] = [];
    void call.calls.drain({ limitMs: 60_000 }).then(() => told.push('first'));
    void call.calls.drain({ limitMs: 60_000 }).then(() => told.push('second'));
    call.caller.bye();
    await call.run(10);
    expect(told.sort()).toEqual(['first', 'second']);
    expect(call.clock.pendingTimers).toBe(0);
  });

  test('draining lets a call that rings come up and end by itself', async () => {
    const call = new VirtualCall();
    call.ring();
    const drained = jest.fn();
    void call.calls.drain({ limitMs: 60_000 }).then(drained);
    await call.run(500);
    expect(call.calls.snapshots()).toMatchObject([{ state: 'active' }]);
    expect(drained).not.toHaveBeenCalled();
    call.caller.bye();
    await ended(call);
    expect(drained).toHaveBeenCalled();
  });
});

describe('observers of a call that one of them ends', () => {
  async function endAt(kind: CallEvent['kind']): Promise<{ call: VirtualCall; told: string[] }> {
    const told: string[] = [];
    const call: VirtualCall = new VirtualCall({
      services: {
        observers: [
          {
            onCallEvent: (event) => {
              if (event.kind === kind) call.calls.endAll({ kind: 'draining' });
            },
          },
          { onCallEvent: (event) => void told.push(event.kind === 'state' ? event.to : event.kind) },
        ],
      },
    });
    await call.answered();
    modelSays(call, { ms: 2_000 });
    await call.run(500);
    callerStartsToSpeak(call);
    await call.run(10_000);
    expect({ calls: call.calls.active, timers: call.clock.pendingTimers }).toEqual({ calls: 0, timers: 0 });
    return { call, told };
  }

  test('are told the events in order, the end last', async () => {
    const { told } = await endAt('agent-audio-started');
    expect(told).toEqual(['model-ready', 'answering', 'active', 'agent-audio-started', 'ending', 'ended', 'ended']);
  });

  test('are told nothing of what the model still had to say', async () => {
    const { call, told } = await endAt('caller-speech-started');
    expect(told.slice(-4)).toEqual(['caller-speech-started', 'ending', 'ended', 'ended']);
    expect(call.sent('conversation.item.truncate')).toEqual([]);
  });
});
