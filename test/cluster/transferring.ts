import { BridgeUnderTest, onePlan, type TestPlan } from '../support/bridge';
import type { Keep } from '../support/calm-machine';
import { eventually } from '../support/eventually';
import { RtpPhone } from '../support/rtp-phone';
import { ScenarioFile } from '../support/scenario-file';
import { startSipp, type SippRun } from '../support/sipp';
import {
  answerInvite,
  call,
  pause,
  phoneSdp,
  receiveInvite,
  receiveRequest,
  type Step,
} from '../support/sipp-scenario';
import { heardBy, inOrder, report, type Voices } from '../support/who-heard';
import { channelsBecome, clusterEnv, fronts, targetOf, type Front } from './real-servers';

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

function envOf({ front, freeswitch }: Shape, servers?: { freeswitch: string[] }): Record<string, string> {
  return freeswitch ? clusterEnv(front, servers) : { RINGBRIDGE_REALTIME_URL: 'simulator' };
}

/** The agent says a second of its tone, puts the caller through, and has another tone when the caller is back. */
export async function startOffice(
  keep: Keep,
  { shape, destination, agent = {}, transfers = true, plan = {}, env = {}, servers }: OfficeOptions,
): Promise<BridgeUnderTest> {
  const calls = transfers ? [{ name: 'transfer_call', arguments: { destination: 'sales' } }] : [];
  const scenario = keep(
    await ScenarioFile.write({
      turns: [
        { say: 'One moment.', audio: `tone:${voices.agent}:1s`, calls },
        { say: 'Nobody is there.', audio: `tone:${voices['agent again']}:2s` },
      ],
    }),
  );
  // The caller's tone never ends: it must not be taken for a turn.
  const deaf = { turn_detection: { type: 'none' }, push_to_talk: { key: '#' } };
  const tester = { tools: ['transfer_call'], transfers: ['sales'], ...deaf, ...agent };
  const office = { ...onePlan(scenario.model, tester), destinations: { sales: destination }, ...plan };
  return keep(await BridgeUnderTest.start(office, { ...envOf(shape, servers), ...env }));
}

export interface OfficeOptions {
  shape: Shape;
  destination: Record<string, unknown>;
  /** Whether the agent puts the caller through. */
  transfers?: boolean;
  /** What else the agent has. */
  agent?: TestPlan['agents'][string];
  plan?: Partial<TestPlan>;
  env?: Record<string, string>;
  servers?: { freeswitch: string[] };
}

interface CallerOptions {
  bridge: BridgeUnderTest;
  shape: Shape;
  steps(port: number): readonly Step[];
  isSilent?: boolean;
}

export interface Party {
  phone: RtpPhone;
  sipp: SippRun;
}

/** A caller with a tone, or silence, whose call goes on with `steps`. */
export async function startCaller(
  keep: Keep,
  { bridge, shape, steps, isSilent = false }: CallerOptions,
): Promise<Party> {
  const phone = keep(await RtpPhone.open());
  if (!isSilent) phone.sayTone(voices.caller, -10);
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

/** Rings for a second, and answers. */
export function answered(sdp: string): Step {
  const ringing = [receiveInvite, answerInvite('180 Ringing'), pause(1_000)];
  return [...ringing, answerInvite('200 OK', sdp), receiveRequest('ACK')].join('\n');
}

/** Both phones' audio goes past us: nothing of the caller comes to our own socket any more. */
export async function joinedInFreeswitch(bridge: BridgeUnderTest, shape: Shape): Promise<void> {
  if (!shape.freeswitch) return;
  const isJoined = (): boolean =>
    bridge.log.some(({ msg }) => msg === 'caller and destination joined by the media server');
  await eventually(isJoined, 'the join in FreeSWITCH');
}

/** What both heard, printed, and in order. */
export function whoHeardWhat(
  shape: Shape,
  what: string,
  { caller, human, originMs }: { caller: Party; human?: Party; originMs: number },
): { caller: string[]; human: string[] } {
  const atCaller = heardBy(caller.phone, voices, originMs);
  const atHuman = human === undefined ? [] : heardBy(human.phone, voices, originMs);
  report(shape.name, what, { 'the caller': atCaller, ...(human === undefined ? {} : { 'the human': atHuman }) });
  return { caller: inOrder(atCaller), human: inOrder(atHuman) };
}

/** One record, no complaint of ours, and no channel left. */
export async function endedWell(bridge: BridgeUnderTest, shape: Shape, record: object): Promise<void> {
  const ended = await bridge.endedCalls();
  expect(ended).toMatchObject([record]);
  expect(bridge.errors()).toEqual([]);
  if (shape.freeswitch) await channelsBecome(0);
}
