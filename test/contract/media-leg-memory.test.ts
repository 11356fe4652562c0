import { FrameClock } from '../../src/media/frame-clock';
import { MemoryLegFactory } from '../../src/media/memory-leg';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { offer } from '../media/offers';
import { describeMediaLeg, type LegUnderTest } from './media-leg.contract';

for (const rateHz of [8_000, 24_000] as const) {
  describeMediaLeg(`a leg in memory at ${rateHz} Hz`, async (): Promise<LegUnderTest> => {
    const clock = new VirtualClock();
    const factory = new MemoryLegFactory({ clock, frameClock: new FrameClock({ clock }), rateHz });
    const leg = await factory.create({ callId: 'call', signallingAddress: '198.51.100.7' });
    const phone = factory.phones.get('call')!;
    return {
      leg,
      sdp: (options = {}) => offer(options),
      say: (samples) => phone.say(samples),
      press: (digit) => phone.press(digit),
      // It has no packets.
      mute: () => undefined,
      report: () => undefined,
      heard: () => Int16Array.from(phone.heard.flatMap(({ samples }) => [...samples])),
      keysHeard: () => phone.keys.map(({ digit }) => digit).join(''),
      elapse: (ms) => clock.advanceAsync(ms),
      close: () => expect(clock.pendingTimers).toBe(0),
    };
  });
}
