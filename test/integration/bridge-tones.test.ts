import { decodeG711, encodeG711, type G711Law } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { BridgeUnderTest, onePlan, type JournalLine } from '../support/bridge';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { flawsOf, RtpPhone } from '../support/rtp-phone';
import { startSipp, wentWell, type SippRun } from '../support/sipp';
import { bye, call, pcma, pcmu, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { dominantHz, snrDb, toneGaps } from '../support/spectrum';

jest.setTimeout(150_000);

/** The simulator's tone; its peak is what `SteadyTone` makes. */
const agentHz = 610;
const agentDbfs = 20 * Math.log10(0.3);
const callerDbfs = -10;

interface ToneCase {
  law: G711Law;
  seconds: number;
  /** 20 ms are 20 whole periods of 1000 Hz, whose loss leaves no trace: the long run looks for gaps beside it. */
  callerHz: number;
}

describeWith('sipp').each<ToneCase>([
  { law: 'pcmu', seconds: 60, callerHz: 1_010 },
  { law: 'pcma', seconds: 10, callerHz: 1_000 },
])('$seconds seconds of tones in $law', ({ law, seconds, callerHz }) => {
  let model: ModelUnderTap;
  let bridge: BridgeUnderTest;
  let phone: RtpPhone;
  let sipp: SippRun;
  let ended: JournalLine | undefined;
  /** What the caller heard from the tone's first packet on, and what the model heard. */
  let atPhone: Int16Array;
  let atModel: Int16Array;
  /** In every comparison: a stalled machine is told from a broken bridge. */
  let stalls: { framesSkipped: number; framesSilenced: number };

  beforeAll(async () => {
    model = await ModelUnderTap.start(`tone:${agentHz}`);
    bridge = await BridgeUnderTest.start(onePlan(), model.env);
    phone = await RtpPhone.open(law);
    phone.sayTone(callerHz, callerDbfs);
    const sdp = phoneSdp({ port: phone.port, formats: law === 'pcmu' ? pcmu : pcma });
    sipp = await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] });
    await phone.heardPackets(seconds * 50 + 50);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    [ended] = await bridge.endedCalls();
    atPhone = phone.audio({ from: phone.packetsWithSound()[0]! });
    atModel = model.heard();
    const { framesSkipped, framesSilenced } = ended?.media as typeof stalls;
    stalls = { framesSkipped, framesSilenced };
  });

  afterAll(async () => {
    await sipp.close();
    await phone.close();
    await bridge.close();
    await model.close();
  });

  test("the model hears the caller's tone without click, gap or repeat", () => {
    const gaps = toneGaps(atModel, 24_000, callerHz);

    expect({ gaps, ...stalls }).toEqual({ gaps: [], ...noStalls(stalls) });
    expect(dominantHz(atModel.subarray(24_000, 48_000), 24_000)).toBeCloseTo(callerHz, 0);
    // All that was sent and no more, but what was on its way at the BYE.
    const sentMs = phone.sent * 20;
    expect(Math.abs(atModel.length / 24 - sentMs)).toBeLessThanOrEqual(100);
  });

  test("the caller hears the agent's tone without click, gap or repeat", () => {
    const gaps = toneGaps(atPhone, 8_000, agentHz);

    expect({ gaps, ...stalls }).toEqual({ gaps: [], ...noStalls(stalls) });
    expect(flawsOf(phone.packets, law === 'pcmu' ? 0 : 8)).toEqual([]);
    expect(dominantHz(atPhone.subarray(8_000, 16_000), 8_000)).toBeCloseTo(agentHz, 0);
    expect(atPhone.length / 8_000).toBeGreaterThanOrEqual(seconds);
  });

  test('both tones are as clean as G.711 alone lets them be', () => {
    const secondAtModel = snrDb(atModel.subarray(48_000, 72_000), 24_000, callerHz);
    const secondAtPhone = snrDb(atPhone.subarray(16_000, 24_000), 8_000, agentHz);

    expect(secondAtModel).toBeGreaterThan(snrOfG711(law, callerHz, callerDbfs) - 1);
    expect(secondAtPhone).toBeGreaterThan(snrOfG711(law, agentHz, agentDbfs) - 1);
  });
});

/** What coding and decoding leave of a second of that tone. */
function snrOfG711(law: G711Law, hz: number, dbfs: number): number {
  const tone = new Int16Array(8_000);
  new ToneGenerator(8_000, hz, dbfs).fill(tone);
  const octets = new Uint8Array(tone.length);
  encodeG711(law, tone, octets);
  const decoded = new Int16Array(tone.length);
  decodeG711(law, octets, decoded);
  return snrDb(decoded, 8_000, hz);
}

/** Before the phone's first packet the bridge fills in silence: that is no stall. */
function noStalls({ framesSilenced }: { framesSilenced: number }): object {
  return { framesSkipped: 0, framesSilenced };
}
