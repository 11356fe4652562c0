import { FrameClock } from '../../src/media/frame-clock';
import { createFreeswitchLegFactory, neverMs } from '../../src/media/freeswitch-leg';
import { createMrf } from '../../src/media/freeswitch-mrf';
import { FreeswitchPool } from '../../src/media/freeswitch-pool';
import { freeswitchProbe } from '../../src/media/freeswitch-probe';
import type { MediaLeg } from '../../src/media/media-leg';
import { createRtpLegFactory } from '../../src/media/rtp-leg';
import { PortPool } from '../../src/rtp/port-pool';
import { openUdpPair } from '../../src/rtp/socket';
import { systemClock } from '../../src/runtime/clock';
import { silentLogger } from '../../src/runtime/logger';
import { systemRandom } from '../../src/runtime/random';
import { describeJoinedLegs } from '../contract/joined-legs.contract';
import { describeMediaLeg, type LegUnderTest } from '../contract/media-leg.contract';
import { offer } from '../media/offers';
import { openLine } from '../support/answering-machine';
import { channelsBecome, clusterEnv, describeCluster, freeswitchAddresses } from './real-servers';
import { UdpPhone } from './udp-phone';

jest.setTimeout(30_000);

/** The default: FreeSWITCH looks for RTCP three times in it, as often as a phone sends some. */
const mediaTimeoutMs = 15_000;
const common = { clock: systemClock, random: systemRandom, logger: silentLogger };

describeCluster(['freeswitch'])('against a real FreeSWITCH', () => {
  let line: Awaited<ReturnType<typeof openLine>>;
  let pool: FreeswitchPool;

  beforeAll(async () => {
    line = await openLine('127.0.0.1');
    const [host = '', port] = freeswitchAddresses()[0]?.split(':') ?? [];
    pool = new FreeswitchPool(
      {
        ...common,
        mrf: createMrf(line.link.srf),
        probe: freeswitchProbe({ ...common, deadlineMs: 2_000 }),
        secret: clusterEnv('embedded SIP server').RINGBRIDGE_FREESWITCH_SECRET ?? '',
        listen: { host: '127.0.0.1', port: 0 },
        owner: 'ringbridge-contract',
      },
      [{ host, port: Number(port), weight: 1 }],
    );
    await pool.start({ deadlineMs: 5_000 });
  });

  afterAll(async () => {
    await pool.close();
    await line.close();
    await channelsBecome(0);
  });

  async function openLeg(beside?: MediaLeg): Promise<LegUnderTest> {
    const ours = createRtpLegFactory({
      ...common,
      frameClock: new FrameClock(common),
      ports: new PortPool({ ...common, first: 10_000, last: 10_999 }),
      localAddress: '127.0.0.1',
      facesOwnServer: true,
      mediaTimeoutMs: neverMs,
      firstMediaTimeoutMs: neverMs,
    });
    const leg = await createFreeswitchLegFactory({ ...common, pool, ours, mediaTimeoutMs }).create({
      callId: 'contract',
      signallingAddress: '127.0.0.1',
      beside,
    });
    const ports = new PortPool({ ...common, first: 11_000, last: 11_999 });
    const { opened } = await ports.lease((at) => openUdpPair('127.0.0.1', at));
    const phone = new UdpPhone(opened);
    return {
      leg: phone.watch(leg),
      sdp: (options = {}) => offer({ address: '127.0.0.1', port: opened.rtp.port, ...options }),
      say: (samples) => phone.say(samples),
      press: (digit) => phone.press(digit),
      mute: () => phone.mute(),
      report: () => phone.report(),
      heard: () => phone.heard(),
      keysHeard: () => phone.keysHeard(),
      elapse: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      close: () => phone.close(),
    };
  }

  describeMediaLeg(
    'a leg through FreeSWITCH',
    () => openLeg(),
    // A packet that is late on a busy machine is made up for. FreeSWITCH begins both channels, one after the other, and loses
    // what comes meanwhile; a caller who has just been answered is not that quick.
    { toleranceMs: 160, deafMax: 3, mediaTimeoutMs },
  );

  describeJoinedLegs(
    'two legs through one FreeSWITCH',
    async () => {
      const caller = await openLeg();
      const callee = await openLeg(caller.leg);
      return {
        caller,
        callee,
        close() {
          void caller.close();
          void callee.close();
        },
      };
    },
    { isJoinedByMedia: true, settleMs: 300 },
  );
});
