import { VirtualClock } from '../../src/runtime/virtual-clock';
import { FrameClock } from '../../src/media/frame-clock';
import { MemoryLegFactory } from '../../src/media/memory-leg';
import { Listener, NumberedSource } from './leg-on-network';
import { offer } from './offers';

async function answered() {
  const clock = new VirtualClock();
  const factory = new MemoryLegFactory({ clock, frameClock: new FrameClock({ clock }) });
  const leg = await factory.create({ callId: 'call-1', signallingAddress: '198.51.100.7' });
  await leg.answer(offer());
  const listener = new Listener(clock);
  const source = new NumberedSource();
  leg.start(listener, source);
  return { clock, factory, leg, listener, source, phone: factory.phones.get('call-1')! };
}

test('the phone keeps each frame that was pulled, with its time', async () => {
  const { clock, leg, phone } = await answered();
  clock.advance(60);
  leg.close();
  expect(phone.heard.map(({ atMs, samples }) => [atMs, samples[0], samples.length])).toEqual([
    [2.5, 1, 160],
    [22.5, 2, 160],
    [42.5, 3, 160],
  ]);
});

test('speech comes frame by frame in its order, the last part filled up with silence', async () => {
  const { clock, leg, phone, listener } = await answered();
  phone.say(new Int16Array(240).fill(7));
  clock.advance(60);
  leg.close();
  expect(listener.frames.map((frame) => [frame[0], frame[79], frame[80]])).toEqual([
    [7, 7, 7],
    [7, 7, 0],
    [0, 0, 0],
  ]);
});

test('the phone can make the leg fail, once', async () => {
  const { clock, leg, phone, listener } = await answered();
  phone.fail({ kind: 'media-timeout', silentMs: 15_000 });
  phone.fail({ kind: 'media-error', message: 'again' });
  expect(listener.failures).toEqual([{ failure: { kind: 'media-timeout', silentMs: 15_000 }, atMs: 0 }]);
  leg.close();
  expect(clock.pendingTimers).toBe(0);
});

test('legs can be refused, as when no port is free', async () => {
  const { factory, leg } = await answered();
  factory.refusal = new Error('no even port is free');
  await expect(factory.create({ callId: 'call-2', signallingAddress: '' })).rejects.toThrow('no even port is free');
  leg.close();
});
