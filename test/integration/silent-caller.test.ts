import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { closedAfterEach } from '../support/closing';
import { eventually } from '../support/eventually';
import { heardIn, type Voice } from '../support/hearing';
import { describeWith } from '../support/installed';
import { isCancelled } from '../support/person-steps';
import { RtpPhone, type HeardPacket } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, wentWell } from '../support/sipp';
import { bye, call, phoneSdp, receiveBye, waitForCue } from '../support/sipp-scenario';
import { dominantHz } from '../support/spectrum';

// Whoever calls here says nothing at all. All times are those of the packets that the caller got.

jest.setTimeout(120_000);

const keep = closedAfterEach();

const greeting = { name: 'the greeting', hz: 610 };
const checkIn = { name: 'are you there', hz: 730 };
const goodbye = { name: 'goodbye', hz: 970 };
const voices: readonly Voice[] = [greeting, checkIn, goodbye];
const goodbyeMs = 1_500;
const pause = { name: 'silence' };

async function startOffice(idle: Record<string, unknown>, destinations = {}) {
  const asks = { say: 'Are you still there?', audio: `tone:${checkIn.hz}:800ms` };
  const script = keep(
    await ScenarioFile.write({
      // What the bridge asks for is a turn like any other; a timeout of the server is not.
      turns: [{ say: 'Hello.', audio: `tone:${greeting.hz}:1s` }, asks],
      idle: asks,
      farewell: { say: 'Goodbye.', audio: `tone:${goodbye.hz}:${goodbyeMs}ms` },
    }),
  );
  const plan = {
    ...onePlan(script.model, { idle: { after: '6s', check_ins: 2, then: 'hang_up', ...idle } }),
    destinations,
  };
  return keep(await BridgeUnderTest.start(plan));
}

const decisions = (bridge: BridgeUnderTest): string[] =>
  bridge.log.flatMap(({ msg, decision, by }) =>
    msg === 'nobody spoke for the idle time' ? [`${String(decision)} by the ${String(by)}`] : [],
  );

/** The stretches of packets in which something sounds, as first and last packet. */
function soundsOf(phone: RtpPhone): { first: number; last: number }[] {
  const stretches: { first: number; last: number }[] = [];
  for (const packet of phone.packetsWithSound()) {
    const current = stretches.at(-1);
    if (current !== undefined && packet - current.last <= 25) current.last = packet;
    else stretches.push({ first: packet, last: packet });
  }
  return stretches;
}

/** By the timestamps: a bridge that stands still skips frames, and its timestamps go on. */
function msBetween(phone: RtpPhone, from: number, to: number): number {
  const at = (index: number): HeardPacket => phone.packets[index]!;
  return ((at(to).timestamp - at(from).timestamp) >>> 0) / 8;
}

async function callOf(bridge: BridgeUnderTest, steps: readonly string[]) {
  const phone = keep(await RtpPhone.open());
  const sdp = phoneSdp({ port: phone.port });
  return { phone, sipp: keep(await startSipp({ target: bridge.sip(), steps: [call(sdp), ...steps] })) };
}

describeWith('baresip')('a caller at baresip who says nothing', () => {
  test('is asked twice, hears the whole goodbye, and gets a BYE', async () => {
    const bridge = await startOffice({});
    const baresip = keep(await Baresip.start({ codec: 'PCMU' }));
    baresip.dial(`sip:100@${bridge.sip()}`);
    await baresip.eventOf('CALL_ESTABLISHED');
    await eventually(() => baresip.events.some(({ type }) => type === 'CALL_CLOSED'), 'the BYE', 90_000);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ reason: { kind: 'caller-idle' }, blame: 'nobody' });
    const { samples, rateHz } = await baresip.heard();
    expect(rateHz).toBe(8_000);
    const heard = heardIn(samples, voices);
    const asked = [checkIn, pause, checkIn, pause, goodbye];
    expect(heard.map(({ name }) => name)).toEqual([greeting, pause, ...asked].map(({ name }) => name));
    // Its jitter buffer may keep a frame or two, and windows are 100 ms.
    expect(heard.at(-1)?.ms).toBeGreaterThanOrEqual(goodbyeMs - 200);
    expect(
      Math.abs(dominantHz(samples.subarray(samples.length - 8_000, samples.length - 4_000), rateHz) - goodbye.hz),
    ).toBeLessThan(5);
    expect(bridge.errors()).toEqual([]);
  });
});

describeWith('sipp')('a caller at sipp who says nothing', () => {
  test.each(['bridge', 'server'] as const)(
    'is never asked too early with check-ins by the %s, and hears the goodbye to its last sample',
    async (by) => {
      const bridge = await startOffice({ by });
      const { phone, sipp } = await callOf(bridge, [receiveBye]);
      expect(await sipp.finished).toEqual(wentWell);
      const [record] = await bridge.endedCalls();
      expect(record).toMatchObject({ reason: { kind: 'caller-idle' } });
      const sounds = soundsOf(phone);
      const names = sounds.map(
        ({ first, last }) => heardIn(phone.audio({ from: first, to: last + 1 }), voices)[0]?.name,
      );
      expect(names).toEqual([greeting, checkIn, checkIn, goodbye].map(({ name }) => name));
      const silencesMs = sounds.slice(1).map(({ first }, index) => msBetween(phone, sounds[index]!.last + 1, first));
      process.stdout.write(`by the ${by}: silences of ${silencesMs.join(', ')} ms before each\n`);
      for (const silenceMs of silencesMs) expect(silenceMs).toBeGreaterThanOrEqual(6_000);
      const last = sounds.at(-1)!;
      const goodbyePackets = last.last - last.first + 1;
      // What resampling leaves behind sounds for a packet more.
      expect(goodbyePackets * 20).toBeGreaterThanOrEqual(goodbyeMs);
      expect(goodbyePackets * 20).toBeLessThanOrEqual(goodbyeMs + 20);
      expect(phone.packets.length).toBeGreaterThan(last.last + 1);
      const asker = ['check-in', 'check-in'].map((what) => `${what} by the ${by}`);
      expect(decisions(bridge).filter((one) => !one.startsWith('too-early'))).toEqual([
        ...asker,
        'goodbye by the bridge',
      ]);
      expect(bridge.errors()).toEqual([]);
    },
  );

  test('is sent to a destination after the last check-in was heard, and 6 s more', async () => {
    const person = keep(await startSipp({ target: '127.0.0.1:9', steps: [isCancelled] }));
    const destinations = { desk: { to: `sip:desk@127.0.0.1:${person.port}` } };
    const bridge = await startOffice({ check_ins: 1, then: 'desk', by: 'bridge' }, destinations);
    const { phone, sipp } = await callOf(bridge, [waitForCue, bye]);
    await eventually(() => soundsOf(phone).length >= 3, 'the music', 60_000);
    sipp.cue();
    expect(await sipp.finished).toEqual(wentWell);
    expect((await person.finished).code).toBe(0);
    const [record] = await bridge.endedCalls();
    expect(record).toMatchObject({ transfers: [{ destination: 'desk', outcome: 'cancelled' }] });
    const [, asked, music] = soundsOf(phone);
    expect(heardIn(phone.audio({ from: asked!.first, to: asked!.last + 1 }), voices)[0]?.name).toBe(checkIn.name);
    expect(msBetween(phone, asked!.last + 1, music!.first)).toBeGreaterThanOrEqual(6_000);
    expect(decisions(bridge)).toEqual(['check-in by the bridge', 'transfer by the bridge']);
  });
});
