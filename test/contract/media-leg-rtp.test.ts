import { FrameClock } from '../../src/media/frame-clock';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { PacketPhone, phoneAddress } from '../media/leg-on-network';
import { offer } from '../media/offers';
import { PacedPhone } from '../media/paced-phone';
import { MemoryNetwork } from '../rtp/memory-network';
import { describeMediaLeg, type LegUnderTest } from './media-leg.contract';

const localAddress = '203.0.113.5';
const ports = { first: 10_000, last: 10_001 };

describeMediaLeg(
  'a leg on RTP',
  async (): Promise<LegUnderTest> => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    const factory = createRtpLegFactory({
      clock,
      random: seededRandom(1),
      logger: silentLogger,
      frameClock: new FrameClock({ clock }),
      ports: new PortPool({ clock, random: seededRandom(2), ...ports }),
      localAddress,
      openPair: network.openPair,
    });
    const leg = await factory.create({ callId: 'call', signallingAddress: phoneAddress.address });
    const phone = new PacedPhone(new PacketPhone(network, clock, { address: localAddress, port: ports.first }));
    return {
      leg,
      sdp: (options = {}) => offer(options),
      say: (samples) => phone.say(samples),
      press: (digit) => phone.press(digit),
      mute: () => phone.mute(),
      report: () => phone.report(),
      heard: () => phone.heard(),
      keysHeard: () => phone.keysHeard(),
      elapse: (ms) => phone.elapse(ms),
      close() {
        clock.advance(1_000);
        expect(clock.pendingTimers).toBe(0);
      },
    };
  },
  { mediaTimeoutMs: 15_000 },
);
