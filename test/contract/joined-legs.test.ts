import { createFreeswitchLegFactory, neverMs } from '../../src/media/freeswitch-leg';
import { FreeswitchPool } from '../../src/media/freeswitch-pool';
import { FrameClock } from '../../src/media/frame-clock';
import type { MediaLeg, MediaLegFactory } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import type { RtpLegFactoryOptions } from '../../src/media/rtp-leg-options';
import { PortPool } from '../../src/rtp/port-pool';
import { silentLogger } from '../../src/runtime/logger';
import { seededRandom } from '../../src/runtime/random';
import { VirtualClock } from '../../src/runtime/virtual-clock';
import { FakeMrf } from '../media/fake-mrf';
import { PacketPhone, portOf } from '../media/leg-on-network';
import { offer } from '../media/offers';
import { PacedPhone } from '../media/paced-phone';
import { relayAddress, RelayFreeswitch } from '../media/relay-freeswitch';
import { MemoryNetwork } from '../rtp/memory-network';
import { describeJoinedLegs, type LegsUnderTest } from './joined-legs.contract';
import type { LegUnderTest } from './media-leg.contract';

// The same suite runs through a real FreeSWITCH in test/cluster/media-leg.cluster.ts.
const localAddress = '203.0.113.5';

class Office {
  readonly clock = new VirtualClock();
  readonly network = new MemoryNetwork({ clock: this.clock });
  readonly common = { clock: this.clock, logger: silentLogger };
  readonly phones: PacedPhone[] = [];

  rtp(options: Partial<RtpLegFactoryOptions> = {}): MediaLegFactory {
    return createRtpLegFactory({
      ...this.common,
      random: seededRandom(1),
      frameClock: new FrameClock({ clock: this.clock }),
      ports: new PortPool({ clock: this.clock, random: seededRandom(2), first: 10_000, last: 10_099 }),
      localAddress,
      openPair: this.network.openPair,
      ...options,
    });
  }

  /** A leg and a phone at `address`, to which the leg's description says where to send: at `mediaAddress`. */
  async leg(
    factory: MediaLegFactory,
    { address, mediaAddress, beside }: { address: string; mediaAddress: string; beside?: MediaLeg },
  ): Promise<LegUnderTest> {
    const leg = await factory.create({ callId: address, signallingAddress: address, beside });
    const at = { address, port: 4_000 };
    let phone: PacedPhone | undefined;
    const learn = async (description: Promise<string>): Promise<string> => {
      const sdp = await description;
      if (phone !== undefined) return sdp;
      phone = new PacedPhone(
        new PacketPhone(this.network, this.clock, { address: mediaAddress, port: portOf(sdp) }, at),
      );
      this.phones.push(phone);
      return sdp;
    };
    const [answer, makeOffer] = [leg.answer.bind(leg), leg.offer.bind(leg)];
    return {
      // On the leg itself: whoever joins two of them must find the real ones.
      leg: Object.assign(leg, { answer: (sdp: string) => learn(answer(sdp)), offer: () => learn(makeOffer()) }),
      sdp: (options = {}) => offer({ ...at, ...options }),
      say: (samples) => phone?.say(samples),
      press: (digit) => phone?.press(digit),
      mute: () => phone?.mute(),
      report: () => phone?.report(),
      heard: () => phone?.heard() ?? new Int16Array(0),
      keysHeard: () => phone?.keysHeard() ?? '',
      elapse: (ms) => this.elapse(ms),
      close: () => undefined,
    };
  }

  async elapse(ms: number): Promise<void> {
    for (let passedMs = 0; passedMs < ms; passedMs += 20) {
      for (const phone of this.phones) phone.sendNext();
      await this.clock.advanceAsync(20);
    }
  }
}

const [callerAddress, calleeAddress] = ['198.51.100.7', '198.51.100.8'];

describeJoinedLegs(
  'two legs on RTP',
  async (): Promise<LegsUnderTest> => {
    const office = new Office();
    const factory = office.rtp();
    const caller = await office.leg(factory, { address: callerAddress, mediaAddress: localAddress });
    const place = { address: calleeAddress, mediaAddress: localAddress, beside: caller.leg };
    return { caller, callee: await office.leg(factory, place), close: () => undefined };
  },
  { isJoinedByMedia: false },
);

describeJoinedLegs(
  'two legs through one FreeSWITCH, in memory',
  async (): Promise<LegsUnderTest> => {
    const office = new Office();
    const { clock } = office;
    const freeswitch = new RelayFreeswitch(office.network);
    const mrf = new FakeMrf(new Map([[8_021, freeswitch]]));
    const pool = new FreeswitchPool(
      {
        ...office.common,
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
    const ours = office.rtp({ facesOwnServer: true, mediaTimeoutMs: neverMs, firstMediaTimeoutMs: neverMs });
    const factory = createFreeswitchLegFactory({ ...office.common, pool, ours });
    const caller = await office.leg(factory, { address: callerAddress, mediaAddress: relayAddress });
    const place = { address: calleeAddress, mediaAddress: relayAddress, beside: caller.leg };
    return {
      caller,
      callee: await office.leg(factory, place),
      async close() {
        await clock.advanceAsync(200);
        expect(freeswitch.channels.size).toBe(0);
        const closed = pool.close();
        await clock.advanceAsync(4_000);
        await closed;
        expect(clock.pendingTimers).toBe(0);
      },
    };
  },
  { isJoinedByMedia: true },
);
