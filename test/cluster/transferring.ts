import { BridgeUnderTest, onePlan, type TestPlan } from '../support/bridge';
import type { Keep } from '../support/calm-machine';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, type SippRun } from '../support/sipp';
import { call, phoneSdp, type Step } from '../support/sipp-scenario';
import type { Voices } from '../support/who-heard';
import { clusterEnv, fronts, targetOf, type Front } from './real-servers';

/** Whoever is heard is known by a tone. The music is chords: it is none of these. */
export const voices = { agent: 610, 'agent again': 730, caller: 1_004, human: 440 } satisfies Voices;

/** Where a transfer is tried: with our own RTP towards the phones, or with FreeSWITCH in between. */
export interface Shape {
  name: string;
  front: Front;
  freeswitch: boolean;
}

const direct: Shape = { name: 'standalone', front: 'embedded SIP server', freeswitch: false };
export const throughFreeswitch: readonly Shape[] = fronts.map((front) => {
  return { name: `FreeSWITCH, ${front}`, front, freeswitch: true };
});
export const shapes: readonly Shape[] = [direct, ...throughFreeswitch];

export function envOf({ front, freeswitch }: Shape, servers?: { freeswitch: string[] }): Record<string, string> {
  return freeswitch ? clusterEnv(front, servers) : { RINGBRIDGE_REALTIME_URL: 'simulator' };
}

/** The agent says a second of its tone, puts the caller through, and has another tone when the caller is back. */
export async function startOffice(
  keep: Keep,
  { shape, destination, plan = {}, servers }: OfficeOptions,
): Promise<BridgeUnderTest> {
  const put = { name: 'transfer_call', arguments: { destination: 'sales' } };
  const scenario = keep(
    await ScenarioFile.write({
      turns: [
        { say: 'One moment.', audio: `tone:${voices.agent}:1s`, calls: [put] },
        { say: 'Nobody is there.', audio: `tone:${voices['agent again']}:2s` },
      ],
    }),
  );
  // The caller's tone never ends: it must not be taken for a turn.
  const agent = {
    ...{ tools: ['transfer_call'], transfers: ['sales'] },
    ...{ turn_detection: { type: 'none' }, push_to_talk: { key: '#' } },
  };
  const office = { ...onePlan(scenario.model, agent), destinations: { sales: destination }, ...plan };
  return keep(await BridgeUnderTest.start(office, envOf(shape, servers)));
}

export interface OfficeOptions {
  shape: Shape;
  destination: Record<string, unknown>;
  plan?: Partial<TestPlan>;
  servers?: { freeswitch: string[] };
}

export interface Party {
  phone: RtpPhone;
  sipp: SippRun;
}

/** A caller with a tone, whose call goes on with `steps`. */
export async function startCaller(
  keep: Keep,
  { bridge, shape, steps }: { bridge: BridgeUnderTest; shape: Shape; steps(port: number): readonly Step[] },
): Promise<Party> {
  const phone = keep(await RtpPhone.open());
  phone.sayTone(voices.caller, -10);
  const target = targetOf(shape.front, bridge);
  const first = call(phoneSdp({ port: phone.port }));
  return { phone, sipp: keep(await startSipp({ target, steps: [first, ...steps(phone.port)] })) };
}

/** A person at sipp who is called, and has a tone once anything is heard. */
export async function startHuman(keep: Keep, steps: (sdp: (at?: object) => string) => readonly Step[]): Promise<Party> {
  const phone = keep(await RtpPhone.open());
  phone.sayTone(voices.human, -10);
  const sdp = (at: object = {}): string => phoneSdp({ port: phone.port, ...at });
  return { phone, sipp: keep(await startSipp({ target: '127.0.0.1:9', steps: steps(sdp) })) };
}
