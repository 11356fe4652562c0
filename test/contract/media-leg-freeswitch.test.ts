import { FrameClock } from '../../src/media/frame-clock';
import { createFreeswitchLegFactory, neverMs } from '../../src/media/freeswitch-leg';
import { FreeswitchPool } from '../../src/media/freeswitch-pool';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { FakeMrf } from '../media/fake-mrf';
import { PacketPhone, phoneAddress } from '../media/leg-on-network';
import { offer } from '../media/offers';
import { PacedPhone } from '../media/paced-phone';
import { relayAddress, RelayFreeswitch } from '../media/relay-freeswitch';
import { MemoryNetwork } from '../rtp/memory-network';
import { describeMediaLeg, type LegUnderTest } from './media-leg.contract';

// The same suite runs through a real FreeSWITCH in test/cluster/media-leg.test.ts.
describeMediaLeg(
  'a leg through FreeSWITCH',
  async (): Promise<LegUnderTest> => {
    const clock = new VirtualClock();
    const network = new MemoryNetwork({ clock });
    const freeswitch = new RelayFreeswitch(network);
    const mrf = new FakeMrf(new Map([[8_021, freeswitch]]));
    const common = { clock, logger: silentLogger };
    const pool = new FreeswitchPool(
      {
        ...common,
        mrf,
        probe: mrf.probe,
        secret: 's3cret',
        listen: { host: '127.0.0.1', port: 0 },
        owner: 'ringbridge-test',
      },
      [{ host: '10.0.0.1', port: 8_021, weight: 1 }],
    );
    const started = pool.start({ deadlineMs: 1_000 });
    await clock.advanceAsync(1);
    await started;
    const ours = createRtpLegFactory({
      ...common,
      random: seededRandom(1),
      frameClock: new FrameClock({ clock }),
      ports: new PortPool({ clock, random: seededRandom(2), first: 10_000, last: 10_001 }),
      localAddress: '203.0.113.5',
      mediaTimeoutMs: neverMs,
      firstMediaTimeoutMs: neverMs,
      openPair: network.openPair,
    });
    const leg = await createFreeswitchLegFactory({ ...common, pool, ours }).create({
      callId: 'call',
      signallingAddress: phoneAddress.address,
    });
    const phone = new PacedPhone(new PacketPhone(network, clock, { address: relayAddress, port: 20_000 }));
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
      async close() {
        // What the leg had there is gone before the connection is.
        await clock.advanceAsync(10);
        expect(freeswitch.channels.size).toBe(0);
        const closed = pool.close();
        await clock.advanceAsync(4_000);
        await closed;
        expect(clock.pendingTimers).toBe(0);
      },
    };
  },
  { mediaTimeoutMs: 15_000 },
);
