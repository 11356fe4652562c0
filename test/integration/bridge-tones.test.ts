import { decodeG711, encodeG711, type G711Law } from '../../src/audio/g711';
import { ToneGenerator } from '../../src/audio/tone';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { onCalmMachine, type Keep } from '../support/calm-machine';
import { describeWith } from '../support/installed';
import { ModelUnderTap } from '../support/model-under-tap';
import { flawsOf, judgeStream, RtpPhone } from '../support/rtp-phone';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, pcma, pcmu, phoneSdp, waitForCue } from '../support/sipp-scenario';
import { dominantHz, snrDb, toneGaps } from '../support/spectrum';

jest.setTimeout(270_000);

/** The simulator's tone; its peak is what `SteadyTone` makes. */
const agentHz = 610;
const agentDbfs = 20 * Math.log10(0.3);
/** What telephony takes for 1 kHz: of 1000 Hz a frame is 20 whole periods, whose loss or repeat leaves no trace. */
const callerHz = 1_004;
const callerDbfs = -10;

interface ToneCase {
  law: G711Law;
  seconds: number;
}

describeWith('sipp')('tones of both sides at once', () => {
  test.each<ToneCase>([
    { law: 'pcmu', seconds: 60 },
    { law: 'pcma', seconds: 10 },
  ])('are whole, and as clean as $law lets them be, for $seconds seconds', async (options) => {
    await onCalmMachine(async (keep) => {
      const { atModel, atPhone, phone, framesSkipped } = await talk(options, keep);
      const { law, seconds } = options;

      const gaps = { atModel: toneGaps(atModel, 24_000, callerHz), atPhone: toneGaps(atPhone, 8_000, agentHz) };
      expect(gaps).toEqual({ atModel: [], atPhone: [] });
      // Every frame is sent, or skipped by a bridge that came late, and then counted.
      const payloadType = law === 'pcmu' ? 0 : 8;
      expect(judgeStream(phone.packets, payloadType)).toEqual({ flaws: [], framesSkipped });
      expect(flawsOf(phone.packets, payloadType)).toEqual([]);
      // All that was said and no more, but what was on its way at the BYE.
      expect(Math.abs(atModel.length / 24 - phone.sent * 20)).toBeLessThanOrEqual(100);
      expect(atPhone.length / 8_000).toBeGreaterThanOrEqual(seconds);

      const secondAtModel = atModel.subarray(48_000, 72_000);
      const secondAtPhone = atPhone.subarray(16_000, 24_000);
      expect(dominantHz(secondAtModel, 24_000)).toBeCloseTo(callerHz, 0);
      expect(dominantHz(secondAtPhone, 8_000)).toBeCloseTo(agentHz, 0);
      expect(snrDb(secondAtModel, 24_000, callerHz)).toBeGreaterThan(snrOfG711(law, callerHz, callerDbfs) - 1);
      expect(snrDb(secondAtPhone, 8_000, agentHz)).toBeGreaterThan(snrOfG711(law, agentHz, agentDbfs) - 1);
    });
  });
});

/** One call: what the model heard, and what the caller heard from the tone's first packet on. */
async function talk({ law, seconds }: ToneCase, keep: Keep) {
  const model = keep(await ModelUnderTap.start(`tone:${agentHz}`));
  const bridge = keep(await BridgeUnderTest.start(onePlan(), model.env));
  const phone = keep(await RtpPhone.open(law));
  phone.sayTone(callerHz, callerDbfs);
  const sdp = phoneSdp({ port: phone.port, formats: law === 'pcmu' ? pcmu : pcma });
  const sipp = keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), waitForCue, bye] }));

  await phone.heardPackets(seconds * 50 + 50);
  sipp.cue();

  expect(await sipp.finished).toEqual(wentWell);
  const [ended] = await bridge.endedCalls();
  const { framesSkipped } = ended?.media as { framesSkipped: number };
  return { atModel: model.heard(), atPhone: phone.audio({ from: phone.packetsWithSound()[0]! }), phone, framesSkipped };
}

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
