import { onePlan } from '../support/bridge';
import { calmTest, onCalmMachine } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { ModelUnderTap } from '../support/model-under-tap';
import { RtpPhone } from '../support/rtp-phone';
import { wentWell } from '../support/sipp';
import { bye, call, change, inDialog, pcma, phoneSdp, receive, waitForCue } from '../support/sipp-scenario';
import { dominantHz, toneGaps } from '../support/spectrum';
import { ring, tolerancePackets, tonePlan } from './cluster-call';
import { channelsBecome, describeCluster, fronts } from './real-servers';

jest.setTimeout(120_000);

/** With comfort noise (RFC 3389). */
const quietPcmu = { 0: 'PCMU/8000', 13: 'CN/8000', 101: 'telephone-event/8000' };

// What a caller changes in the middle of a call, as test/integration/bridge-sip.test.ts has it for the direct leg.
describe.each(fronts)('a call through FreeSWITCH, with the %s in front,', (front) => {
  describeCluster(['freeswitch'], 'sipp')('by sipp,', () => {
    calmTest('hears nothing on hold, and afterwards what the agent had not said yet', async (keep) => {
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: tonePlan },
        steps: (port) => [
          ...[call(phoneSdp({ port })), waitForCue],
          ...[change(phoneSdp({ port, direction: 'sendonly', version: 2 }), 'a=recvonly'), waitForCue],
          ...[change(phoneSdp({ port, direction: 'sendrecv', version: 3 })), waitForCue, bye],
        ],
      });

      await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
      sipp.cue();
      await eventually(() => phone.sent > phone.packets.length + 50, 'a second without packets');
      const beforeResume = phone.packets.length;
      sipp.cue();
      await phone.heardPackets(beforeResume + 50);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      const [start = 0] = phone.packetsWithSound();
      const around = (index: number): number =>
        toneGaps(phone.audio({ from: index - 40, to: index + 40 }), 8_000, 610).length;
      // Not one frame of the agent is lost: the tone goes on where it stopped.
      expect(around(beforeResume)).toBe(0);
      expect(toneGaps(phone.audio({ from: start }), 8_000, 610).length).toBeLessThanOrEqual(tolerancePackets);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
      await channelsBecome(0);
    });

    calmTest('moves to another address, and is heard there and no longer at the old one', async (keep) => {
      const model = keep(await ModelUnderTap.start('tone:610'));
      const moved = keep(await RtpPhone.open());
      const { phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(), env: model.env },
        steps: (port) => [
          ...[call(phoneSdp({ port })), waitForCue],
          ...[change(phoneSdp({ port: moved.port, version: 2 })), waitForCue, bye],
        ],
      });
      moved.sayTone(1_310);

      await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
      sipp.cue();
      await moved.heardPackets(100);
      const atOldAddress = phone.packets.length;
      await moved.heardPackets(150);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      expect(phone.packets.length).toBe(atOldAddress);
      const before = phone.audio({ from: phone.packetsWithSound()[0]! });
      const heard = Int16Array.from([...before, ...moved.audio()]);
      expect(toneGaps(heard, 8_000, 610).length).toBeLessThanOrEqual(tolerancePackets);
      expect(dominantHz(model.heard().subarray(-24_000), 24_000)).toBeCloseTo(1_310, 0);
      await channelsBecome(0);
    });

    calmTest('changes from PCMU to PCMA, and goes on in the same stream', async (keep) => {
      const { phone, sipp } = await ring(keep, {
        ...{ front, plan: tonePlan },
        steps: (port) => [
          ...[call(phoneSdp({ port })), waitForCue],
          change(phoneSdp({ port, formats: pcma, version: 2 }), 'm=audio [0-9]+ RTP/AVP 8 101'),
          ...[waitForCue, bye],
        ],
      });

      await eventually(() => phone.packetsWithSound().length > 50, 'a second of the tone');
      const [start = 0] = phone.packetsWithSound();
      sipp.cue();
      await eventually(() => phone.packets.at(-1)?.payloadType === 8, 'PCMA');
      phone.law = 'pcma';
      await phone.heardPackets(phone.packets.length + 50);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      const types = phone.packets.map(({ payloadType }) => payloadType);
      expect(types).toEqual([...types].sort((a, b) => a - b));
      expect(new Set(phone.packets.map(({ ssrc }) => ssrc)).size).toBe(1);
      expect(toneGaps(phone.audio({ from: start }), 8_000, 610).length).toBeLessThanOrEqual(tolerancePackets);
      await channelsBecome(0);
    });

    test.each([
      ['is on mute and sends nothing', false],
      ['sends comfort noise instead of silence', true],
    ])('%s, hears the agent whole, and is heard from the first packet on afterwards', async (_how, comfortNoise) => {
      await onCalmMachine(async (keep) => {
        const model = keep(await ModelUnderTap.start('tone:610'));
        const { bridge, phone, sipp } = await ring(keep, {
          ...{ front, plan: onePlan(), env: { ...model.env, RINGBRIDGE_MEDIA_TIMEOUT: comfortNoise ? '4s' : '30s' } },
          steps: (port) => [call(phoneSdp({ port, formats: quietPcmu })), waitForCue, bye],
        });
        await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
        const start = phone.packetsWithSound()[0]!;
        phone.pause({ comfortNoise });
        const paused = phone.packets.length;
        await phone.heardPackets(paused + 400);
        phone.sayTone(1_004, -10);
        phone.resume();
        const resumed = phone.sent;
        await phone.heardPackets(phone.packets.length + 100);
        const spokenMs = (phone.sent - resumed) * 20;
        sipp.cue();

        expect(await sipp.finished).toEqual(wentWell);
        expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
        expect(toneGaps(phone.audio({ from: start }), 8_000, 610).length).toBeLessThanOrEqual(tolerancePackets);
        const atModel = model.heard();
        expect(toneGaps(atModel, 24_000, 1_004)).toEqual([]);
        const heardMs = (atModel.length - atModel.findIndex((sample) => Math.abs(sample) > 2_000)) / 24;
        // What was on its way at the BYE.
        expect(spokenMs - heardMs).toBeLessThanOrEqual(100);
        await channelsBecome(0);
      });
    });

    calmTest('is on mute and sends RTCP alone, hears the agent whole, and hangs up when it likes', async (keep) => {
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: tonePlan, env: { RINGBRIDGE_MEDIA_TIMEOUT: '6s' } },
        steps: (port) => [call(phoneSdp({ port })), waitForCue, bye],
      });
      await eventually(() => phone.packetsWithSound().length > 25, 'the agent');
      const start = phone.packetsWithSound()[0]!;
      phone.pause({ comfortNoise: false });
      await phone.sendReports({ everyMs: 2_500 });
      await phone.heardPackets(phone.packets.length + 1_000);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
      expect(toneGaps(phone.audio({ from: start }), 8_000, 610).length).toBeLessThanOrEqual(tolerancePackets);
      await channelsBecome(0);
    });

    calmTest('presses a key by INFO and one by RFC 4733, each told once', async (keep) => {
      const info = inDialog('INFO', { type: 'application/dtmf-relay', body: 'Signal=5\nDuration=160\n' });
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: tonePlan },
        steps: (port) => [call(phoneSdp({ port })), info, receive(200), waitForCue, bye],
      });
      const keys = (): number => bridge.log.filter(({ msg }) => msg === 'caller pressed a key').length;

      await eventually(() => keys() === 1, 'the key by INFO');
      phone.press(7);
      await eventually(() => keys() === 2, 'the key by RFC 4733');
      await phone.heardPackets(phone.packets.length + 25);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      expect(await bridge.endedCalls()).toMatchObject([{ media: { digits: 1 } }]);
      expect(keys()).toBe(2);
      await channelsBecome(0);
    });
  });
});
