import { samplesPerFrame, type PcmFrame } from '../../src/audio/pcm';
import type { Digit, MediaFailure, MediaLeg } from '../../src/media/media-leg';
import { snrDb } from '../support/spectrum';

/** A leg that has neither answered nor offered yet, and the caller at its other end. */
export interface LegUnderTest {
  leg: MediaLeg;
  /** The caller's offer, or answer to our offer. */
  sdp(options?: { direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'; formats?: string }): string;
  /** The caller says this, at the leg's rate, and is silent afterwards. Called after `start`. */
  say(samples: Int16Array): void;
  press(digit: Digit): void;
  /** The caller sends no RTP from now on. */
  mute(): void;
  /** The caller sends one receiver report. */
  report(): void;
  /** All that the caller has heard, at the leg's rate. */
  heard(): Int16Array;
  /** Keys that have come to the caller. */
  keysHeard(): string;
  /** Time passes, real or virtual. */
  elapse(ms: number): Promise<void>;
  /** Frees everything but the leg. */
  close(): Promise<void> | void;
}

export interface MediaLegTolerance {
  toleranceMs?: number;
  concealedMax?: number;
  deafMax?: number;
  mediaTimeoutMs?: number;
}

/**
 * What every media leg does, whoever faces the caller. `toleranceMs`: delay and jitter of the way between the two;
 * `concealedMax`: frames that may be made up for packets that were late on it, in a second; `deafMax`: the caller's first
 * frames that may be lost while a server between the two begins; `mediaTimeoutMs`: after which a caller who was heard is
 * gone, undefined where nobody ever is.
 */
export function describeMediaLeg(
  name: string,
  open: () => Promise<LegUnderTest>,
  { toleranceMs = 100, concealedMax = 0, deafMax = 0, mediaTimeoutMs }: MediaLegTolerance = {},
): void {
  describe(name, () => {
    let test: LegUnderTest;
    let caller: Caller;

    beforeEach(async () => {
      test = await open();
      caller = new Caller(test.leg);
    });

    afterEach(async () => {
      test.leg.close();
      await test.close();
    });

    async function started(options?: Parameters<LegUnderTest['sdp']>[0]): Promise<void> {
      await test.leg.answer(test.sdp(options));
      test.leg.start(caller, caller);
    }

    it('answers an offer with one audio stream in G.711', async () => {
      const answer = await test.leg.answer(test.sdp());
      expect(answer).toMatch(/^v=0\r\no=/);
      expect(answer.match(/^m=/gm)).toHaveLength(1);
      expect(answer).toMatch(/m=audio [1-9]\d* RTP\/AVP [08]/);
      expect(test.leg.stats.codec).toMatch(/^PCM[UA]\/8000$/);
    });

    it('refuses what is no SDP with 400 and what has no G.711 with 488', async () => {
      await expect(test.leg.answer('hello')).rejects.toMatchObject({ name: 'OfferRefused', status: 400 });
      await expect(test.leg.answer(test.sdp({ formats: '18' }))).rejects.toMatchObject({ status: 488 });
    });

    it('gives the caller one frame of the agent each 20 ms, cleanly', async () => {
      await started();
      await test.elapse(2_000);
      expect(Math.abs(caller.pulls - 100)).toBeLessThanOrEqual(Math.ceil(toleranceMs / 20));
      const heard = test.heard();
      expect(heard.length).toBeGreaterThan(test.leg.rateHz * ((2_000 - 2 * toleranceMs) / 1_000));
      const half = Math.floor(heard.length / 2);
      expect(snrDb(heard.subarray(half), test.leg.rateHz, agentHz)).toBeGreaterThan(30);
    });

    it('gives the agent what the caller says, cleanly, in frames of 20 ms', async () => {
      await started();
      test.say(tone(callerHz, test.leg.rateHz, 1_000));
      await test.elapse(1_000 + 3 * toleranceMs);
      expect(new Set(caller.frames.map(({ length }) => length))).toEqual(new Set([samplesPerFrame(test.leg.rateHz)]));
      const spoken = caller.frames.filter((frame) => frame.some((sample) => Math.abs(sample) > 1_000));
      expect(spoken.length).toBeGreaterThanOrEqual(49 - concealedMax - deafMax);
      expect(spoken.length).toBeLessThanOrEqual(51 + concealedMax);
      const samples = Int16Array.from(spoken.slice(1, -1).flatMap((frame) => [...frame]));
      expect(snrDb(samples, test.leg.rateHz, callerHz)).toBeGreaterThan(30);
    });

    it('keeps the count of frames in step with the time, whether the caller speaks or not', async () => {
      await started();
      await test.elapse(1_000);
      test.say(tone(callerHz, test.leg.rateHz, 500));
      await test.elapse(2_000);
      expect(Math.abs(caller.frames.length * 20 - 3_000)).toBeLessThanOrEqual(toleranceMs);
    });

    it('tells a key once', async () => {
      await started();
      await test.elapse(100);
      test.press('5');
      await test.elapse(400);
      test.press('5');
      test.press('#');
      await test.elapse(800);
      expect(caller.digits).toBe('55#');
      expect(test.leg.stats.digits).toBe(3);
    });

    it('sends keys to the caller', async () => {
      await started();
      await test.elapse(100);
      expect(test.leg.sendDigit('7', 100)).toBe(true);
      expect(test.leg.sendDigit('*', 100)).toBe(true);
      await test.elapse(800);
      expect(test.keysHeard()).toBe('7*');
    });

    it('cannot send keys when telephone-event was not negotiated', async () => {
      await started({ formats: '0' });
      expect(test.leg.sendDigit('7', 100)).toBe(false);
    });

    it('pulls nothing and sends nothing while the caller has put us on hold', async () => {
      await started();
      await test.elapse(200);
      expect(test.leg.onHold).toBe(false);
      await test.leg.modify(test.sdp({ direction: 'sendonly' }));
      expect(test.leg.onHold).toBe(true);
      await test.elapse(toleranceMs);
      const [pulls, heard] = [caller.pulls, test.heard().length];
      await test.elapse(1_000);
      expect([caller.pulls, test.heard().length]).toEqual([pulls, heard]);
      await test.leg.modify(test.sdp());
      expect(test.leg.onHold).toBe(false);
      await test.elapse(500 + toleranceMs);
      expect(caller.pulls - pulls).toBeGreaterThanOrEqual(24);
      expect(test.heard().length).toBeGreaterThan(heard);
    });

    it('changes nothing when it refuses a new offer', async () => {
      await started();
      await test.elapse(200);
      await expect(test.leg.modify(test.sdp({ formats: '18', direction: 'inactive' }))).rejects.toMatchObject({
        status: 488,
      });
      const { pulls } = caller;
      await test.elapse(500);
      expect(test.leg.onHold).toBe(false);
      expect(caller.pulls - pulls).toBeGreaterThanOrEqual(24);
    });

    it('makes an offer of its own and takes the answer', async () => {
      expect(await test.leg.offer()).toMatch(/m=audio [1-9]\d* RTP\/AVP/);
      await test.leg.acceptAnswer(test.sdp());
      test.leg.start(caller, caller);
      await test.elapse(500);
      expect(caller.pulls).toBeGreaterThanOrEqual(24 - Math.ceil(toleranceMs / 20));
      expect(test.heard().length).toBeGreaterThan(0);
    });

    it('refuses an answer that leaves no audio', async () => {
      await test.leg.offer();
      await expect(test.leg.acceptAnswer(test.sdp({ formats: '18' }))).rejects.toMatchObject({ status: 488 });
    });

    it('calls nobody after it was closed, and may be closed twice', async () => {
      await started();
      test.say(tone(callerHz, test.leg.rateHz, 2_000));
      await test.elapse(500);
      test.leg.close();
      test.leg.close();
      const { pulls } = caller;
      const frames = caller.frames.length;
      test.press('1');
      await test.elapse(500);
      expect([caller.pulls, caller.frames.length, caller.digits]).toEqual([pulls, frames, '']);
      expect(test.leg.sendDigit('1', 100)).toBe(false);
    });

    it('fails no call that is well', async () => {
      await started();
      test.say(tone(callerHz, test.leg.rateHz, 500));
      await test.elapse(2_000);
      expect(caller.failures).toEqual([]);
    });

    if (mediaTimeoutMs === undefined) return;

    it('keeps a caller on mute who sends RTCP, and gives up one who sends nothing', async () => {
      await started();
      await test.elapse(1_000);
      test.mute();
      for (let passedMs = 0; passedMs < 3 * mediaTimeoutMs; passedMs += 5_000) {
        await test.elapse(5_000);
        test.report();
      }
      expect(caller.failures).toEqual([]);
      // The last packet of RTCP may be found only when the next one is missed.
      await test.elapse(2 * mediaTimeoutMs + 2_000);
      expect(caller.failures).toMatchObject([{ kind: 'media-timeout' }]);
    }, 120_000);
  });
}

const callerHz = 600;
const agentHz = 440;
const amplitude = 8_000;

/** The call's side of a leg: it speaks a tone and notes what it is told. */
class Caller {
  readonly frames: PcmFrame[] = [];
  readonly failures: MediaFailure[] = [];
  digits = '';
  pulls = 0;

  readonly #leg: MediaLeg;

  constructor(leg: MediaLeg) {
    this.#leg = leg;
  }

  onAudio(frame: PcmFrame): void {
    this.frames.push(Int16Array.from(frame));
  }

  onDigit(digit: Digit): void {
    this.digits += digit;
  }

  onFailure(failure: MediaFailure): void {
    this.failures.push(failure);
  }

  pull(frame: PcmFrame): void {
    const start = this.pulls * frame.length;
    for (let i = 0; i < frame.length; i += 1) frame[i] = sine(start + i, agentHz, this.#leg.rateHz);
    this.pulls += 1;
  }
}

function tone(hz: number, rateHz: number, durationMs: number): Int16Array {
  return Int16Array.from({ length: (rateHz * durationMs) / 1_000 }, (_, i) => sine(i, hz, rateHz));
}

function sine(index: number, hz: number, rateHz: number): number {
  return Math.round(amplitude * Math.sin((2 * Math.PI * hz * index) / rateHz));
}
