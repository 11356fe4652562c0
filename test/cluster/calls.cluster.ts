import { join } from 'node:path';

import { readWavFile } from '../../src/audio/wav';
import { Baresip } from '../support/baresip';
import { BridgeUnderTest, onePlan } from '../support/bridge';
import { calmTest, type Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { ModelUnderTap } from '../support/model-under-tap';
import { ScenarioFile } from '../support/scenario-file';
import { wentWell } from '../support/sipp';
import { ack, bye, call, change, invite, phoneSdp, receive, receiveBye, waitForCue } from '../support/sipp-scenario';
import { dominantHz, snrDb, toneGaps } from '../support/spectrum';
import { report, ring, tolerancePackets } from './cluster-call';
import { channelsBecome, clusterEnv, describeCluster, fronts, targetOf } from './real-servers';

jest.setTimeout(120_000);

const agentHz = 610;
const callerHz = 1_004;
const interruptionFile = join(__dirname, '..', '..', 'audio', 'caller-interruption-8khz.wav');

/** Nothing of the test's calls is left in FreeSWITCH. */
function noChannelLeft(): Promise<void> {
  return channelsBecome(0);
}

describe.each(fronts)('calls through FreeSWITCH, with the %s in front', (front) => {
  describeCluster(['freeswitch'], 'sipp')('by sipp', () => {
    calmTest('are heard on both sides, cleanly, and ended by the caller', async (keep) => {
      const model = keep(await ModelUnderTap.start(`tone:${agentHz}`));
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(), env: model.env },
        steps: (port) => [call(phoneSdp({ port })), waitForCue, bye],
      });
      phone.sayTone(callerHz, -10);
      await phone.heardPackets(600);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      const [ended] = await bridge.endedCalls();
      expect(ended).toMatchObject({
        reason: { kind: 'caller-hung-up' },
        blame: 'nobody',
        media: { codec: 'PCMU/8000' },
      });
      const atModel = model.heard();
      expect(toneGaps(atModel, 24_000, callerHz)).toEqual([]);
      const atPhone = phone.audio({ from: phone.packetsWithSound()[0]! });
      expect(toneGaps(atPhone, 8_000, agentHz).length).toBeLessThanOrEqual(tolerancePackets);
      expect(dominantHz(atModel.subarray(48_000, 72_000), 24_000)).toBeCloseTo(callerHz, 0);
      expect(dominantHz(atPhone.subarray(16_000, 24_000), 8_000)).toBeCloseTo(agentHz, 0);
      expect(snrDb(atModel.subarray(48_000, 72_000), 24_000, callerHz)).toBeGreaterThan(35);
      expect(snrDb(atPhone.subarray(16_000, 24_000), 8_000, agentHz)).toBeGreaterThan(35);
      expect(Math.abs(atModel.length / 24 - phone.sent * 20)).toBeLessThanOrEqual(200);
      expect(bridge.errors()).toEqual([]);
      await noChannelLeft();
    });

    calmTest('are whole for a minute, but for one slip of FreeSWITCH', async (keep) => {
      const model = keep(await ModelUnderTap.start(`tone:${agentHz}`));
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(), env: model.env },
        steps: (port) => [call(phoneSdp({ port })), waitForCue, bye],
      });
      phone.sayTone(callerHz, -10);
      await eventually(() => phone.packetsWithSound().length > 0, 'the agent');
      const start = phone.packetsWithSound()[0]!;
      await phone.heardPackets(start + 3_000);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      expect(toneGaps(model.heard(), 24_000, callerHz)).toEqual([]);
      const slips = toneGaps(phone.audio({ from: start }), 8_000, agentHz);
      const { framesSkipped } = (await bridge.endedCalls())[0]?.media as { framesSkipped: number };
      report(`slips in a minute at the phone, ${front}: ${slips.length}; frames skipped by us: ${framesSkipped}`);
      expect(slips.length).toBeLessThanOrEqual(1);
      await noChannelLeft();
    });

    calmTest('a caller who speaks over the agent silences it, and the model is told what was heard', async (keep) => {
      const script = keep(await ScenarioFile.write({ turns: [{ say: 'A long answer.', audio: 'tone:610:20s' }, {}] }));
      const model = keep(await ModelUnderTap.start(script.behaviour));
      let packetsBefore = -1;
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(), env: model.env },
        steps: (port) => [call(phoneSdp({ port })), waitForCue, bye],
      });
      model.beforeModelEvent = (event) => {
        if (event.type === 'input_audio_buffer.speech_started') packetsBefore = phone.packets.length;
        return undefined;
      };
      await eventually(() => phone.packetsWithSound().length > 100, 'two seconds of the agent');
      phone.sayRecording(await readWavFile(interruptionFile, 8_000));
      await eventually(() => model.events(0, 'bridge', 'conversation.item.truncate').length > 0, 'the truncation');
      await phone.heardPackets(packetsBefore + 25);
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      const sounding = phone.packetsWithSound();
      // One as in the direct shape, one that was on its way, and FreeSWITCH's own frames.
      const after = sounding.filter((packet) => packet >= packetsBefore).length;
      expect(after).toBeLessThanOrEqual(2 + tolerancePackets);
      const [truncation] = model.events(0, 'bridge', 'conversation.item.truncate');
      const heardMs = (sounding.at(-1)! - sounding[0]! + 1) * 20;
      expect(Math.abs((truncation?.audio_end_ms as number) - heardMs)).toBeLessThanOrEqual(20 + tolerancePackets * 20);
      expect(await bridge.endedCalls()).toMatchObject([{ interruptions: 1, blame: 'nobody' }]);
      await noChannelLeft();
    });

    calmTest('on hold hear nothing, and the rest of the agent afterwards', async (keep) => {
      const script = keep(await ScenarioFile.write({ turns: [{ say: 'Two seconds.', audio: 'tone:610:2s' }] }));
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(script.model) },
        steps: (port) => [
          ...[call(phoneSdp({ port })), waitForCue],
          ...[change(phoneSdp({ port, direction: 'sendonly', version: 2 }), 'a=recvonly'), waitForCue],
          ...[change(phoneSdp({ port, direction: 'sendrecv', version: 3 })), waitForCue, bye],
        ],
      });
      await eventually(() => phone.packetsWithSound().length > 20, 'the agent');
      sipp.cue();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      const heardOnHold = phone.packetsWithSound().length;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(phone.packetsWithSound().length).toBe(heardOnHold);
      sipp.cue();
      await eventually(() => phone.packetsWithSound().length >= 98, 'all of the agent');
      sipp.cue();

      expect(await sipp.finished).toEqual(wentWell);
      expect(Math.abs(phone.packetsWithSound().length - 101)).toBeLessThanOrEqual(1 + tolerancePackets);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
      await noChannelLeft();
    });

    test.each([1])('press keys that are told once', async () => {
      const opened: { close(): Promise<unknown> }[] = [];
      const keep: Keep = (one) => (opened.push(one), one);
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan('simulator:tone:610') },
        steps: (port) => [call(phoneSdp({ port })), waitForCue, bye],
      });
      const keys = (): number => bridge.log.filter(({ msg }) => msg === 'caller pressed a key').length;
      await phone.heardPackets(50);
      phone.press(7);
      await eventually(() => keys() === 1, 'the first key');
      phone.press(7);
      await eventually(() => keys() === 2, 'the second key');
      await new Promise((resolve) => setTimeout(resolve, 500));
      sipp.cue();
      expect(await sipp.finished).toEqual(wentWell);
      expect(await bridge.endedCalls()).toMatchObject([{ media: { digits: 2 } }]);
      for (const one of opened.reverse()) await one.close();
      await noChannelLeft();
    });

    calmTest('with a late offer are heard once the answer came', async (keep) => {
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan('simulator:tone:610') },
        steps: (port) => [invite(), receive(200, 'm=audio [0-9]+ RTP/AVP'), ack(phoneSdp({ port })), waitForCue, bye],
      });
      await eventually(() => phone.packetsWithSound().length > 50, 'a second of the agent');
      sipp.cue();
      expect(await sipp.finished).toEqual(wentWell);
      expect(dominantHz(phone.audio({ from: phone.packetsWithSound()[0]! }), 8_000)).toBeCloseTo(610, 0);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'caller-hung-up' } }]);
      await noChannelLeft();
    });

    calmTest('are ended by the agent once its goodbye was heard to the end', async (keep) => {
      const goodbye = { say: 'Goodbye.', audio: 'tone:610:1s', calls: [{ name: 'hang_up' }] };
      const script = keep(await ScenarioFile.write({ turns: [goodbye] }));
      const { bridge, phone, sipp } = await ring(keep, {
        ...{ front, plan: onePlan(script.model, { tools: ['hang_up'] }) },
        steps: (port) => [call(phoneSdp({ port })), receiveBye],
      });
      expect(await sipp.finished).toEqual(wentWell);
      expect(Math.abs(phone.packetsWithSound().length - 50)).toBeLessThanOrEqual(1 + tolerancePackets);
      expect(await bridge.endedCalls()).toMatchObject([{ reason: { kind: 'agent-hung-up' }, blame: 'nobody' }]);
      await noChannelLeft();
    });
  });

  describeCluster(['freeswitch'], 'baresip')('by baresip', () => {
    test.each(['PCMU', 'PCMA', 'G722', 'opus', 'PCMU with SRTP'] as const)(
      'in %s are heard on both sides',
      async (how) => {
        const opened: { close(): Promise<unknown> }[] = [];
        const keep: Keep = (one) => (opened.push(one), one);
        const model = keep(await ModelUnderTap.start(`tone:${agentHz}`));
        const bridge = keep(await BridgeUnderTest.start(onePlan(), { ...clusterEnv(front), ...model.env }));
        const srtp = how === 'PCMU with SRTP';
        const codec = srtp ? 'PCMU' : how;
        const baresip = keep(await Baresip.start({ toneHz: callerHz, codec, srtp }));

        baresip.dial(`sip:100@${targetOf(front, bridge)}`);
        await baresip.eventOf('CALL_ESTABLISHED');
        await model.heardSeconds(3);
        baresip.hangUp();
        await baresip.eventOf('CALL_CLOSED');

        const [ended] = await bridge.endedCalls();
        expect(ended).toMatchObject({ reason: { kind: 'caller-hung-up' }, blame: 'nobody' });
        expect((ended?.media as { codec: string }).codec).toMatch(new RegExp(`^${codec}/`, 'i'));
        expect(dominantHz(model.heard().subarray(24_000), 24_000)).toBeCloseTo(callerHz, 0);
        const { samples, rateHz } = await baresip.heard();
        expect(dominantHz(samples.subarray(rateHz), rateHz)).toBeCloseTo(agentHz, 0);
        expect(bridge.errors()).toEqual([]);
        for (const one of opened.reverse()) await one.close();
        await noChannelLeft();
      },
    );
  });
});
